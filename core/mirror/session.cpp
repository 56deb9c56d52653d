// SPDX-License-Identifier: BSD-3-Clause
#include "session.hpp"

#include "long_double.hpp"
#include "place.hpp"

#include <ndsharray/error.hpp>
#include <ndsharray/tag_info.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace ndsharray::mirror {
namespace {

using namespace std::chrono_literals;

constexpr auto look_up = 200ms;           // how long a wait for a frame may delay the end
constexpr unsigned most_on_the_way = 32;  // parts of frames: 8 MiB
constexpr std::uint64_t most_wanted_ahead =
    64;  // items that the mirror has not done: as many are kept for it
constexpr std::size_t usual_metadata = 64 * 1024;

ReaderOptions reader_options(const Hello& hello, const std::string& owner) {
    ReaderOptions options;
    options.mode = hello.mode == Mode::Every ? ReadMode::Every : ReadMode::Latest;
    options.owner = owner;
    return options;
}

}  // namespace

/// Counts parts that the engine has not sent yet.
struct Session::OnTheWay {
    std::mutex mutex;
    std::condition_variable fewer;
    unsigned parts = 0;
    bool over = false;

    /// \returns false when the session is over.
    bool add() {
        std::unique_lock lock(mutex);
        fewer.wait(lock, [&] { return parts < most_on_the_way || over; });
        ++parts;
        return !over;
    }
    void remove() {
        const std::lock_guard lock(mutex);
        --parts;
        fewer.notify_all();
    }
    void end() {
        const std::lock_guard lock(mutex);
        over = true;
        fewer.notify_all();
    }
};

namespace {

/// Lives while the engine needs the bytes of a part: keeps them, and counts.
template <typename Counter, typename Keep>
struct SentPart {
    std::shared_ptr<Counter> counter;
    Keep keep;

    SentPart(std::shared_ptr<Counter> counted, Keep kept)
        : counter(std::move(counted)), keep(std::move(kept)) {}
    ~SentPart() {
        keep = {};
        counter->remove();
    }
    SentPart(const SentPart&) = delete;
    SentPart& operator=(const SentPart&) = delete;
};

}  // namespace

Session::Session(Engine& engine, const Hello& hello, std::string peer, std::uint64_t id, std::string owner)
    : engine_(engine),
      hello_(hello),
      id_(id),
      owner_(std::move(owner)),
      reader_(hello.tag, reader_options(hello, owner_)),
      on_the_way_(std::make_shared<OnTheWay>()),
      peer_(std::move(peer)) {
    if (hello_.compression == Compression::Zstd)
        compressor_.emplace();
    thread_ = std::thread([this] { run(); });
}

Session::~Session() {
    {
        const std::lock_guard lock(mutex_);
        over_ = true;
        changed_.notify_all();
    }
    on_the_way_->end();
    reader_.cancel();
    thread_.join();
}

std::string Session::peer() const {
    const std::lock_guard lock(mutex_);
    return peer_;
}

std::optional<std::string> Session::failure() const {
    const std::lock_guard lock(mutex_);
    return failure_;
}

void Session::fail(const std::string& sentence) {
    const std::lock_guard lock(mutex_);
    failure_ = sentence;
}

void Session::on_credit(const Credit& credit) {
    const std::lock_guard lock(mutex_);
    if (credit.done > sent_)
        return;  // of what it cannot have
    wanted_ = std::max(wanted_, std::min(credit.wanted, credit.done + most_wanted_ahead));
    while (!kept_.empty() && kept_.front()->number <= credit.done)
        kept_.pop_front();
    changed_.notify_all();
}

bool Session::resume(const std::string& peer, std::uint64_t done) {
    const std::lock_guard lock(mutex_);
    const std::uint64_t oldest = kept_.empty() ? sent_ + 1 : kept_.front()->number;
    if (done + 1 < oldest || done > sent_ || failure_)
        return false;
    while (!kept_.empty() && kept_.front()->number <= done)
        kept_.pop_front();
    peer_ = peer;
    ++connection_;
    sent_ = done;
    wanted_ = done;
    changed_.notify_all();
    return true;
}

// ---- the thread

void Session::run() {
    try {
        outlet_ = std::make_unique<Outlet>(engine_);
        for (;;) {
            {
                Lock lock(mutex_);
                if (!wait_for_credit(lock))
                    break;
            }
            if (const std::shared_ptr<Item> item = next_item())
                send(item);
            if (failure())
                break;
        }
    } catch (const std::exception& error) {
        fail(error.what());
    }
    outlet_.reset();
}

bool Session::wait_for_credit(Lock& lock) {
    changed_.wait(lock, [&] { return over_ || wanted_ > sent_; });
    return !over_;
}

/// What is sent next: what a broken connection lost, or what the reader gets within a moment, or nothing.
std::shared_ptr<Session::Item> Session::next_item() {
    {
        const Lock lock(mutex_);
        const auto next = std::find_if(kept_.begin(), kept_.end(),
                                       [&](const auto& item) { return item->number == sent_ + 1; });
        if (next != kept_.end())
            return *next;
    }
    Frame frame = reader_.read(look_up);
    attached_ = reader_.attached();
    return make_item(std::move(frame));
}

std::shared_ptr<Session::Item> Session::make_item(Frame frame) {
    auto item = std::make_shared<Item>();
    if (frame) {
        if (frame.first_of_writer()) {
            // The mirror makes its writer anew when this differs. A pid and an epoch tell writers apart well
            // enough.
            std::string who = std::to_string(frame.generation());
            try {
                const TagInfo info = inspect(hello_.tag, owner_);
                who = std::to_string(info.writer_pid) + " " + std::to_string(info.epoch);
            } catch (const Error&) {
            }
            writer_ = digest(who);
            sent_any_ = false;
            due_ = 0;
        }
        if (!is_wanted(frame))
            return nullptr;
        item->writer = writer_;
        item->content = std::move(frame);
    } else if (frame.status() == ReadStatus::EndOfStream) {
        item->content = State::Kind::Ended;
    } else if (frame.status() == ReadStatus::Disconnected) {
        item->content = State::Kind::Left;
    } else {
        if (frame.status() == ReadStatus::Failed)
            fail(reader_.error().what());
        return nullptr;
    }
    item->number = ++made_;
    if (mode() == Mode::Every) {
        const Lock lock(mutex_);
        kept_.push_back(item);
    }
    return item;
}

/// Of what was asked to be left out. The rate allows an eighth of a period of jitter.
bool Session::is_wanted(const Frame& frame) {
    if (sent_any_ && hello_.every_nth > 1 && frame.number() - last_number_ < hello_.every_nth)
        return false;
    if (hello_.max_millihertz > 0) {
        const std::int64_t period = 1'000'000'000'000 / hello_.max_millihertz;
        const std::int64_t published = frame.info().published;
        if (sent_any_ && published + period / 8 < due_)
            return false;
        due_ = std::max(due_, published - period) + period;
        if (!sent_any_)
            due_ = published + period;
    }
    sent_any_ = true;
    last_number_ = frame.number();
    return true;
}

// ---- on the wire

void Session::send(const std::shared_ptr<Item>& item) {
    Connection to;
    {
        const Lock lock(mutex_);
        to = {peer_, connection_};
    }
    if (const auto* const state = std::get_if<State::Kind>(&item->content)) {
        outlet_->send(to.peer, encode(State{id_, item->number, *state}));
    } else {
        send_layout(to, *item);
        send_frame(to, item);
    }
    const Lock lock(mutex_);
    if (connection_ == to.number)
        sent_ = item->number;
}

/// If it is another one than that of the frame before, or if this connection has not had it.
void Session::send_layout(const Connection& to, const Item& item) {
    const Frame& frame = std::get<Frame>(item.content);
    const Sent now{to.number, frame.generation(), item.writer};
    if (layout_ > 0 && sent_layout_ == now)
        return;
    Layout layout;
    layout.session = id_;
    layout.writer = item.writer;
    layout.number = ++layout_;
    layout.metadata_capacity = std::max(usual_metadata, frame.metadata().size());
    layout.spec = frame.spec();
    layout.attributes = frame.attributes();
    add_place(layout.attributes, this_place());
    add_long_double(layout.attributes, layout.spec);
    try {
        const TagInfo info = inspect(hello_.tag, owner_);
        if (info.generation != 0)  // all segments of a writer have the same
            layout.metadata_capacity = info.metadata_capacity;
    } catch (const Error&) {
        // The writer has gone, and its frame is still here.
    }
    outlet_->send(to.peer, encode(layout));
    sent_layout_ = now;
}

void Session::send_frame(const Connection& to, const std::shared_ptr<Item>& item) {
    const Frame& frame = std::get<Frame>(item->content);
    const std::span<const std::byte> array(frame.data(), static_cast<std::size_t>(frame.spec().bytes));
    const Neighbours neighbours = neighbours_of(frame.spec());
    FrameHead head;
    head.session = id_;
    head.item = item->number;
    head.layout = layout_;
    head.compression = hello_.compression;
    head.info = frame.info();
    head.bytes = array.size();
    head.metadata.assign(reinterpret_cast<const char*>(frame.metadata().data()), frame.metadata().size());
    outlet_->send(to.peer, encode(head));
    for (std::size_t at = 0; at < array.size(); at += max_chunk_bytes) {
        if (!on_the_way_->add() || !is_current(to)) {
            on_the_way_->remove();
            return;
        }
        const auto part = array.subspan(at, std::min(max_chunk_bytes, array.size() - at));
        const std::string data = encode(Data{id_, item->number, at, static_cast<std::uint32_t>(part.size())});
        const auto fewer =
            compressor_ ? compressor_->compress(part, neighbours) : std::span<const std::byte>();
        if (fewer.empty()) {
            outlet_->send(to.peer, data, part,
                          std::make_shared<SentPart<OnTheWay, std::shared_ptr<Item>>>(on_the_way_, item));
        } else {
            using Bytes = std::vector<std::byte>;
            const auto sent =
                std::make_shared<SentPart<OnTheWay, Bytes>>(on_the_way_, Bytes(fewer.begin(), fewer.end()));
            outlet_->send(to.peer, data, sent->keep, sent);
        }
    }
}

bool Session::is_current(const Connection& to) const {
    const Lock lock(mutex_);
    return connection_ == to.number;
}

}  // namespace ndsharray::mirror
