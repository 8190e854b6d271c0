package probes

import "time"

// deadlines holds the questions in flight by when they are due to be sent again or given up,
// the next one first. It is a binary heap that knows the place of each question, since nearly
// all are removed early, by their answers. A new one is due later than most, and so mostly
// stays at the bottom where it is put.
type deadlines []*flight

// next returns when the next question is due; false if there is none.
func (d deadlines) next() (time.Time, bool) {
	if len(d) == 0 {
		return time.Time{}, false
	}
	return d[0].due, true
}

func (d *deadlines) push(f *flight) {
	f.place = len(*d)
	*d = append(*d, f)
	d.up(f.place)
}

// remove removes a question that is in the heap.
func (d *deadlines) remove(f *flight) {
	h := *d
	i, last := f.place, len(h)-1
	h.swap(i, last)
	h[last] = nil
	*d = h[:last]
	f.place = -1
	if i < last {
		d.down(i)
		d.up(i)
	}
}

func (d deadlines) swap(i, j int) {
	d[i], d[j] = d[j], d[i]
	d[i].place, d[j].place = i, j
}

func (d deadlines) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !d[i].due.Before(d[parent].due) {
			return
		}
		d.swap(i, parent)
		i = parent
	}
}

func (d deadlines) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(d) {
			return
		}
		if child+1 < len(d) && d[child+1].due.Before(d[child].due) {
			child++
		}
		if !d[child].due.Before(d[i].due) {
			return
		}
		d.swap(i, child)
		i = child
	}
}
