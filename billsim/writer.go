package billsim

// writer writes an answer in JSON or XML. Names of roots and of items of lists appear in XML only.
type writer interface {
	openObject(name string)
	closeObject(name string)
	openMember(name string) bool // opens an object that has a name in JSON too; false as in openList
	openList(name string) bool   // false: the fault leaves the list out; write nothing of it
	closeList(name string)
	writeText(name, value string)
	writeMoney(name string, value Amount) // as a number
	writeCount(name string, n int)        // as a number
	writeID(name, value string)           // as a number if it is one
	writeLiteral(name, value string)      // a number, true, false or null
	writeItem(item, value string)         // a text in a list
	take() []byte                         // returns what was written since its last call; valid until the next call
}
