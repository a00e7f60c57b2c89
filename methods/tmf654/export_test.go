package tmf654

// CountMost sets how many resources a filtered list looks at for its total, and returns
// what sets it back.
func CountMost(n int) (back func()) {
	was := countMost
	countMost = n
	return func() { countMost = was }
}
