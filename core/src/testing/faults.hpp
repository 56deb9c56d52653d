// SPDX-License-Identifier: BSD-3-Clause
// Instants at which a process may die: named, so that tests can let it die at each, or take its time there
// (delays.cpp). Nothing in a normal build.
#pragma once

#include <array>
#include <string_view>

/// A point lies between two changes that other processes can see, or two file operations: a death anywhere
/// in between leaves the same as a death at the point. Named after what was done last.
// clang-format off
#define NDSHARRAY_FAULT_POINTS(POINT)                                                                       \
    /* making the control file */                                                                           \
    POINT(ControlToBeMade) POINT(FileCreated) POINT(ControlCreated) POINT(ControlReserved)                  \
    POINT(ControlLocked) POINT(ControlPreambleWritten) POINT(ControlStarted) POINT(ControlLinked)           \
    POINT(HalfMadeFileRemoved)                                                                              \
    /* taking it over */                                                                                    \
    POINT(DeadControlLocked) POINT(ClosedControlRemoved) POINT(ControlPermissionsSet)                       \
    POINT(ControlTakenOver)                                                                                 \
    POINT(WriterPidStored) POINT(WriterOptionsStored) POINT(WriterStartingStored) POINT(EpochBumped)        \
    POINT(LeftoverRemoved) POINT(LeftoversRemoved)                                                          \
    /* the reader table, as the writer has it */                                                            \
    POINT(TableToBeMade) POINT(TableCreated) POINT(TableReserved) POINT(TableWritten) POINT(TableInPlace)   \
    POINT(TablePermissionsSet) POINT(TableFoundUnusable) POINT(TablelessControlRemoved)                     \
    POINT(DeadReaderLocked) POINT(DeadReaderCleared) POINT(DeadReaderInactive) POINT(DeadReaderUnlocked)    \
    POINT(WriterStateStored) POINT(TagOpened)                                                               \
    /* the two futex words */                                                                               \
    POINT(WakeBumped) POINT(ReadersWoken) POINT(ReleasedBumped) POINT(WriterWoken)                          \
    /* a segment */                                                                                         \
    POINT(SegmentToBeMade) POINT(SegmentCreated) POINT(SegmentSized) POINT(SegmentReserved)                 \
    POINT(SegmentPreambleWritten) POINT(SegmentHeaderWritten) POINT(SlotHeaderWritten) POINT(SegmentReady)  \
    POINT(SlotReserved) POINT(SlotOpened) POINT(ReadySlotsStored)                                           \
    POINT(GenerationCleared) POINT(SegmentIdHalfStored) POINT(SegmentIdStored)                              \
    POINT(LastGenerationStored) POINT(GenerationStored)                                                     \
    POINT(OldSegmentRemoved) POINT(SegmentWithdrawn) POINT(WithdrawalTold) POINT(WithdrawnSegmentRemoved)   \
    POINT(SlotWithdrawn) POINT(SlotMemoryFreed)                                                             \
    /* frames, as the writer has them */                                                                    \
    POINT(SlotChosen) POINT(SlotMarked) POINT(SlotRestored) POINT(SlotClaimed)                              \
    POINT(SlotToBePinned) POINT(SlotPinned) POINT(SlotToBeUnpinned) POINT(SlotUnpinned)                     \
    POINT(SlotToBePutBack) POINT(SlotPutBack)                                                               \
    POINT(FrameToBePublished) POINT(FrameNumberStored) POINT(FrameInfoStored) POINT(FrameMetadataStored)    \
    POINT(FrameStateStored) POINT(LatestStored) POINT(LiveAgainStored) POINT(FramePublished)                \
    POINT(WaitingStored) POINT(WaitEnded) POINT(NoLongerWaitingStored)                                      \
    /* the files of 1.x */                                                                                  \
    POINT(CompatControlReserved) POINT(CompatControlLinked) POINT(CompatDataReserved) POINT(CompatDataMade) \
    POINT(CompatEndCleared) POINT(CompatElementsWritten) POINT(CompatEndWritten) POINT(CompatStartWritten)  \
    POINT(CompatControlWritten) POINT(CompatDataRemoved) POINT(CompatControlRemoved)                        \
    POINT(CompatLeftoverRemoved)                                                                            \
    /* the writer leaves */                                                                                 \
    POINT(WriterToLeave) POINT(CompatFilesRemoved) POINT(TableRemoved) POINT(ControlRemoved)                \
    POINT(TagFree)                                                                                          \
    /* a reader comes and goes */                                                                           \
    POINT(ControlOpened) POINT(ReaderToJoin) POINT(EntryLocked)                                             \
    POINT(EntryLeaseCleared) POINT(EntryFlagsCleared) POINT(EntryCursorCleared) POINT(EntryPidCleared)      \
    POINT(EntryFramesCleared) POINT(EntryMissedCleared) POINT(EntryCopiedCleared) POINT(EntryPidStored)     \
    POINT(EntryCursorStored) POINT(EntryQuotaStored) POINT(EntryFlagsStored) POINT(EntryActive)             \
    POINT(AttachesBumped)                                                                                   \
    POINT(ReaderJoined) POINT(SuspendedStored) POINT(ResumedStored) POINT(ReaderRetired)                    \
    POINT(EntryInactive) POINT(EntryUnlocked) POINT(ReaderLeft)                                             \
    /* frames, as a reader has them */                                                                      \
    POINT(SegmentFileOpened) POINT(SegmentMapped) POINT(SegmentOpened) POINT(GenerationEntered)             \
    POINT(FrameToBeLeased) POINT(LeaseStored) POINT(LeaseKept) POINT(LeaseRefused)                          \
    POINT(FrameToBeReleased) POINT(LeaseCleared) POINT(CopyStarted) POINT(CopyMade) POINT(FramesSought)     \
    POINT(FramesCounted) POINT(MissedCounted) POINT(CopiesCounted) POINT(CursorMoved)
// clang-format on

namespace ndsharray::fault {

#define NDSHARRAY_FAULT_NAME(name) name,
enum class Point { NDSHARRAY_FAULT_POINTS(NDSHARRAY_FAULT_NAME) };
#undef NDSHARRAY_FAULT_NAME

#define NDSHARRAY_FAULT_NAME(name) std::string_view(#name),
inline constexpr std::array point_names{NDSHARRAY_FAULT_POINTS(NDSHARRAY_FAULT_NAME)};
#undef NDSHARRAY_FAULT_NAME

/// Only where faults are built in; the tests define it, or delays.cpp.
void reached(Point point) noexcept;

}  // namespace ndsharray::fault

#ifdef NDSHARRAY_FAULTS
#define NDSHARRAY_FAULT_POINT(name) ::ndsharray::fault::reached(::ndsharray::fault::Point::name)
#else
#define NDSHARRAY_FAULT_POINT(name) static_cast<void>(::ndsharray::fault::Point::name)
#endif
