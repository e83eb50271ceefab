// Package statestore holds the state of one task: for each device a row of
// 64-bit words in each of a few columns, in pages of 128 devices, or of fewer
// where rows are long. The same words are what the fold works on, what the
// journal carries and what a page on disk holds.
//
//	            Write                Seal(n)                      Confirm(n)
//	fold ──────────────▶ changed ──────────────▶ parts of record n ────────▶ committed
//	                     cells       │ and a slice of unchanged cells
//	                                 ▼
//	                       BeginCheckpoint ──▶ images of dirty pages ──▶ flush ──▶ marker
//	                                             (a page is copied before its first write)
//	recovery: Restore(marker) ▶ LoadPage... ▶ Apply(records after it)... ▶ FinishReplay
//	      or: nothing         ▶               Apply(records from Base)... ▶ FinishReplay
//
// Cells have absolute values, so a cell written twice does no harm, pages on
// disk may be of different records, and replay converges; and the journal can
// be trimmed: each record repeats a slice of the cells that did not change
// (refresh), and once a whole cycle has repeated them all, what lies before the
// cycle says nothing new. A cell whose words are all zero is the same as no
// cell.
//
// Invariants, which Table.check verifies:
//
//  1. A slot without a device has no name, no word but zero, and no changed
//     cell.
//  2. The index finds each live name at its slot and holds nothing else.
//  3. changedMap has a bit for just the slots with a changed cell; dropMap for
//     just those in drops.
//  4. A page that is dirty, or held by a checkpoint, is resident; one with a
//     changed cell is dirty; one that is neither resident nor stored is zero.
//  5. dirtyPages lists just the dirty pages, each once.
//  6. A page is pending only while a checkpoint runs that has yet to give its
//     image; the checkpoint counts them right.
//  7. pageBytes is the size of the resident pages; evictable and evictableBytes
//     count those neither dirty nor held.
//  8. Every live cell before the cursor that is neither zero nor changed since
//     the last Seal was journaled at CycleStart or later. (Known only while the
//     table remembers what it journaled; the model test checks it by recovery.)
package statestore
