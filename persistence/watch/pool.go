package watch

// pool hands out items by a 32-bit index and uses the places of removed ones again.
type pool[T any] struct {
	items  []T
	vacant []uint32
}

func (p *pool[T]) at(i uint32) *T { return &p.items[i] }

func (p *pool[T]) add(v T) uint32 {
	if n := len(p.vacant); n > 0 {
		i := p.vacant[n-1]
		p.vacant = p.vacant[:n-1]
		p.items[i] = v
		return i
	}
	p.items = append(p.items, v)
	return uint32(len(p.items) - 1)
}

// remove zeroes an item. When none is left, the memory goes back.
func (p *pool[T]) remove(i uint32) {
	if len(p.vacant)+1 == len(p.items) && len(p.items) > poolKeep {
		*p = pool[T]{}
		return
	}
	var zero T
	p.items[i] = zero
	p.vacant = append(p.vacant, i)
}

// poolKeep is how many places an empty pool may keep, so that a watch that comes and goes costs no allocation.
const poolKeep = 1024
