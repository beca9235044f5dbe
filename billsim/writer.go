package billsim

// writer spells answers, in JSON or XML. Names of roots and items are XML's alone.
type writer interface {
	open(name string)
	close(name string)
	list(name string) bool // false: left out, as the fault wants it; then nothing of it is written
	endList(name string)
	text(name, value string)
	money(name string, value Amount) // a number, as the summaries have it
	count(name string, n int)        // a number too
	id(name, value string)           // a number too, if it is one
	take() []byte                    // what was written since last time; valid until the next call
}
