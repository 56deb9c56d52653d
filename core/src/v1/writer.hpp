// SPDX-License-Identifier: BSD-3-Clause
// Publishes frames also in the layout of the Python package ndsharray 1.x.
#pragma once

#include "platform/platform.hpp"
#include "protocol/files.hpp"
#include "v1/layout.hpp"

#include <ndsharray/array.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ndsharray::v1 {

/// The 1.x files of one tag. For one thread at a time. The destructor keeps the files, so a forked child may
/// call it. close() removes them.
class Writer {
  public:
    /// Makes the control file. Uses an existing one of 1.x, because its readers have that mapped.
    /// \throws Error InvalidArgument: the 1.x files of the tag would have names of our files; NotRegular,
    /// WrongOwner, Damaged: there is another file; PermissionDenied, NoSpace, TooManyFiles, System.
    Writer(const TagFiles& files, unsigned permissions);
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    /// Call it if our dead predecessor made the control file. Then close() removes the file even if that
    /// never named a data file.
    /// \throws std::bad_alloc.
    void inherit_control();

    /// Makes a data file for arrays of this layout. Readers find it with the first array.
    /// \throws Error NoSpace, InvalidArgument, TooManyFiles, PermissionDenied, System.
    void configure(const ArraySpec& spec);

    /// Writes an array of a configured layout. Readers see a complete array, or one that is marked invalid.
    /// \param published CLOCK_MONOTONIC ns
    void publish(const ArrayView& array, std::int64_t published) noexcept;

    /// Removes the files.
    void close() noexcept;

  private:
    struct DataFile {
        std::string name;
        std::string path;
        platform::Descriptor file;
        v1::DataLayout layout;

        /// Whether it is for arrays with this dtype and shape.
        bool holds(const ArraySpec& spec) const noexcept;
    };

    void open_control();
    void take_control(platform::Descriptor existing, const std::string& path);
    void create_control(const std::string& path);
    void make_ours();
    DataFile make_data_file(const v1::DataLayout& layout) const;
    void remove(std::optional<DataFile>& file) const noexcept;
    std::span<const std::byte> elements(const ArrayView& array) noexcept;
    double next_time(std::int64_t published) noexcept;
    void point_to(const DataFile& file) const noexcept;

    const TagFiles files_;
    const unsigned permissions_;
    const std::string control_path_;
    std::string led_to_;  // memory for the path of the data file that the control file names: see close()
    platform::Descriptor control_;
    bool made_control_ = false;        // we made it, or our predecessor
    std::optional<DataFile> current_;  // the control file names it
    std::optional<DataFile> next_;     // for a layout of which no array came yet
    std::vector<std::byte> scratch_;   // for arrays with another order of bytes or elements than the file
    double last_time_ = 0;
};

}  // namespace ndsharray::v1
