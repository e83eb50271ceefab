package engine

import (
	"context"
	"runtime"
	"sync"

	"github.com/weirstream/weir/statestore"
)

// lanes is how many goroutines share the recovery of a task.
func lanes() int { return min(runtime.GOMAXPROCS(0), 8) }

// atOnce is statestore.Fork with goroutines.
func atOnce(n int, do func(i int)) {
	if n == 1 {
		do(0)
		return
	}
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() { do(i) })
	}
	wait.Wait()
}

const loadBytes = 512 << 10 // of page images in one chunk

// loadPages fills the table from the local copy: one goroutine reads images, the
// others check and decode them. The tasks of a process take turns: each uses all
// cores, and the first is live the sooner.
func (r *runner) loadPages(ctx context.Context, s localSnapshot) error {
	if err := r.table.Restore(s.table); err != nil {
		return err
	}
	select {
	case r.e.loading <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-r.e.loading }()
	l := loader{table: r.table, full: make(chan *chunk), spare: make(chan *chunk, lanes()+2), failed: make(chan struct{})}
	for range cap(l.spare) {
		l.spare <- &chunk{}
	}
	err := r.local.Load(func(im statestore.Image) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return l.take(im)
	})
	return l.end(err)
}

// chunk is some page images in memory of its own.
type chunk struct {
	images []statestore.Image
	data   []byte
}

// loader hands the images of a local copy to lanes.
type loader struct {
	table *statestore.Table
	at    *chunk // being filled
	full  chan *chunk
	spare chan *chunk

	lanes  []*statestore.Lane // nil: pages of names are still to come
	wait   sync.WaitGroup
	once   sync.Once
	failed chan struct{} // closed when err is set
	err    error
}

// take takes an image from the store, which keeps its bytes.
func (l *loader) take(im statestore.Image) error {
	if im.ID.Column == statestore.NamesColumn {
		return l.table.LoadPage(im)
	}
	if l.lanes == nil {
		l.start()
	}
	if l.at == nil {
		select {
		case l.at = <-l.spare:
		case <-l.failed:
			return l.err
		}
	}
	c := l.at
	from := len(c.data)
	c.data = append(c.data, im.Data...)
	c.images = append(c.images, statestore.Image{ID: im.ID, Data: c.data[from:len(c.data):len(c.data)]})
	if len(c.data) < loadBytes {
		return nil
	}
	return l.send()
}

// send gives the chunk being filled to whichever lane is free.
func (l *loader) send() error {
	select {
	case l.full <- l.at:
		l.at = nil
		return nil
	case <-l.failed:
		return l.err
	}
}

// start is called when all names are there.
func (l *loader) start() {
	l.lanes = l.table.Lanes(lanes())
	for _, lane := range l.lanes {
		l.wait.Go(func() {
			for c := range l.full {
				for _, im := range c.images {
					if err := lane.LoadPage(im); err != nil {
						l.fail(err)
						return
					}
				}
				c.images, c.data = c.images[:0], c.data[:0]
				l.spare <- c
			}
		})
	}
	l.wait.Go(l.table.IndexNames)
}

func (l *loader) fail(err error) {
	l.once.Do(func() {
		l.err = err
		close(l.failed)
	})
}

// end waits for the lanes; err is how reading ended.
func (l *loader) end(err error) error {
	if l.lanes == nil {
		return err
	}
	if err == nil && l.at != nil {
		err = l.send()
	}
	close(l.full)
	l.wait.Wait()
	if err == nil {
		err = l.err
	}
	if err != nil {
		return err
	}
	return l.table.Join(l.lanes)
}
