// SPDX-License-Identifier: BSD-3-Clause
// Publishing frames in the layout of the Python package ndsharray 1.x, beside our own.
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

/// The 1.x files of one tag. For one thread at a time. Files stay until close(): so a forked child can drop
/// it.
class Writer {
  public:
    /// Makes the control file, or goes on with one of 1.x: its readers have that mapped.
    /// \throws Error InvalidArgument: a tag whose 1.x files would be our own; NotRegular, WrongOwner,
    /// Damaged: what is there is not of 1.x; PermissionDenied, NoSpace, TooManyFiles, System.
    Writer(const TagFiles& files, unsigned permissions);
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    /// Says that the control file, if it never named a data file, was made by a dead writer whose tag we
    /// have: close() removes it.
    /// \throws std::bad_alloc.
    void inherit_control();

    /// Makes room for arrays of this layout. Readers are led there with the first of them.
    /// \throws Error NoSpace, InvalidArgument, TooManyFiles, PermissionDenied, System.
    void configure(const ArraySpec& spec);

    /// Writes an array of a configured layout, which readers find complete, or flagged invalid while it is
    /// being written.
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
    std::string led_to_;  // room for the path of the data file that a control file names: see close()
    platform::Descriptor control_;
    bool made_control_ = false;        // or a predecessor of ours did
    std::optional<DataFile> current_;  // the one readers are led to
    std::optional<DataFile> next_;     // made for a layout of which no array came yet
    std::vector<std::byte> scratch_;   // for arrays that do not lie in memory as they must in the file
    double last_time_ = 0;
};

}  // namespace ndsharray::v1
