package backfill

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/collector"

	"github.com/gofrs/flock"
)

// journal is what is known of an unfinished backfill: a file with a line for each month of which an account was asked,
// and for each thing that bill-union was asked of a month. It is for several runs that make one file together. It is
// not safe for concurrent use; a lock keeps other processes away.
type journal struct {
	name    string
	now     time.Time
	file    *os.File
	lock    *flock.Flock
	size    int64 // of the complete lines in the file
	bills   map[monthKey][]billclient.MonthBill
	answers map[answerKey]*answer
	unknown map[answerKey]*answer // of month 0: an answer that says that the API does not know the action
}

// maxRecordAge is after which time a month is asked for again, because its bill may have been corrected.
const maxRecordAge = 7 * 24 * time.Hour

// owner is whose months are known: those of an account, while it asks the same API with the same key.
type owner struct{ account, key string }

func ownerOf(ctx context.Context, a collector.Account) owner {
	var id string
	if a.API.Credentials != nil {
		keys, _ := a.API.Credentials(ctx) // without a key no month becomes known
		id = keys.AccessKeyID
	}
	sum := sha256.Sum256([]byte(a.API.Endpoint + "\n" + id + a.API.UnionEndpoint))
	return owner{a.Name, hex.EncodeToString(sum[:8])}
}

type monthKey struct {
	owner
	month billclient.Month
}

type answerKey struct {
	monthKey
	subject subject
}

// record is a line of the file: the bills of a month, or an answer. A month without a bill has no Bills.
type record struct {
	Account string
	Key     string // a hash of the key that was used, and of the endpoint
	Asked   time.Time
	Month   billclient.Month
	Bills   []billclient.MonthBill
	Subject subject `json:",omitempty"` // of Answer
	Answer  *answer `json:",omitempty"` // nil: the line has Bills
}

// openJournal opens or creates the file and locks it. It removes a last line that is not complete.
func openJournal(name string, now time.Time) (*journal, error) {
	lock := flock.New(name, flock.SetPermissions(0o600))
	switch locked, err := lock.TryLock(); {
	case err != nil:
		return nil, err
	case !locked:
		return nil, fmt.Errorf("%s: another backfill is at work on it", name)
	}
	j := &journal{
		name: name, now: now, lock: lock, bills: map[monthKey][]billclient.MonthBill{}, answers: map[answerKey]*answer{},
		unknown: map[answerKey]*answer{},
	}
	var err error
	if j.file, err = os.OpenFile(name, os.O_RDWR, 0); err == nil {
		err = j.read()
	}
	if err == nil {
		err = j.truncate()
	}
	if err != nil {
		j.unlock()
		return nil, fmt.Errorf("%s: %w; remove it to begin anew", name, err)
	}
	return j, nil
}

// read reads the records, and finds out how much of the file is complete lines.
func (j *journal) read() error {
	lines := json.NewDecoder(j.file)
	lines.DisallowUnknownFields() // a file of another program must not be changed or removed
	for {
		var r record
		switch err := lines.Decode(&r); {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return err
		case r.Account == "" || r.Asked.IsZero():
			return errors.New("is none of backfill's files")
		}
		if j.now.Sub(r.Asked) < maxRecordAge {
			j.learn(r)
		}
		j.size = lines.InputOffset()
	}
}

// learn adds what a line of the file says to what is known.
func (j *journal) learn(r record) {
	month := monthKey{owner{r.Account, r.Key}, r.Month}
	if r.Answer != nil {
		j.answers[answerKey{month, r.Subject}] = r.Answer
		if r.Answer.Unknown {
			j.unknown[answerKey{monthKey{owner: month.owner}, r.Subject}] = r.Answer
		}
		return
	}
	j.bills[month] = r.Bills
}

// truncate removes what is behind the complete lines.
func (j *journal) truncate() error {
	if err := j.file.Truncate(j.size); err != nil {
		return err
	}
	_, err := j.file.Seek(j.size, io.SeekStart)
	return err
}

// mayBeEarly reports whether the bill of a month may still come, which is so for the last two months that are over.
func (j *journal) mayBeEarly(m billclient.Month) bool { return m >= billclient.MonthOf(j.now).Add(-2) }

// missingMonths returns the months of which nothing is known.
func (j *journal) missingMonths(o owner, from, to billclient.Month) []billclient.Month {
	var missing []billclient.Month
	for m := from; m <= to; m++ {
		if _, ok := j.bills[monthKey{o, m}]; !ok {
			missing = append(missing, m)
		}
	}
	return missing
}

// billsByMonth returns the bills of an owner.
func (j *journal) billsByMonth(o owner, from, to billclient.Month) map[billclient.Month][]billclient.MonthBill {
	byMonth := map[billclient.Month][]billclient.MonthBill{}
	for m := from; m <= to; m++ {
		if bills := j.bills[monthKey{o, m}]; len(bills) > 0 {
			byMonth[m] = bills
		}
	}
	return byMonth
}

// recordBills records the months that have bills.
func (j *journal) recordBills(o owner, bills []billclient.MonthBill) error {
	byMonth := map[billclient.Month][]billclient.MonthBill{}
	for _, b := range bills {
		byMonth[b.Month] = append(byMonth[b.Month], b)
	}
	for _, month := range slices.Sorted(maps.Keys(byMonth)) {
		if err := j.recordMonth(o, month, byMonth[month]); err != nil {
			return err
		}
	}
	return nil
}

// recordMonth records the bills of a month, which may be none. That the bill of a month is not there yet is known for
// this run only, and is not written.
func (j *journal) recordMonth(o owner, month billclient.Month, bills []billclient.MonthBill) error {
	if len(bills) > 0 || !j.mayBeEarly(month) {
		r := record{Account: o.account, Key: o.key, Asked: j.now, Month: month, Bills: bills}
		if err := j.write(r); err != nil {
			return err
		}
	}
	j.bills[monthKey{o, month}] = bills
	return nil
}

// answer returns what bill-union has said of a month, nil if it was not asked.
func (j *journal) answer(o owner, month billclient.Month, of subject) *answer {
	return j.answers[answerKey{monthKey{o, month}, of}]
}

// refusal returns the answer that holds for every month because the API does not know the action, nil if there is none.
func (j *journal) refusal(o owner, of subject) *answer {
	return j.unknown[answerKey{monthKey{owner: o}, of}]
}

// recordAnswer records what bill-union has said of a month. That the sums of a month are not there yet is known for
// this run only.
func (j *journal) recordAnswer(o owner, month billclient.Month, of subject, a *answer) error {
	r := record{Account: o.account, Key: o.key, Asked: j.now, Month: month, Subject: of, Answer: a}
	isEarly := a.Sums != nil && len(a.Sums.Parts) == 0 && j.mayBeEarly(month)
	if !isEarly {
		if err := j.write(r); err != nil {
			return err
		}
	}
	j.learn(r)
	return nil
}

// write adds a line to the file, whole or not at all.
func (j *journal) write(r record) error {
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("%s: %w", j.name, err)
	}
	n, err := j.file.Write(append(line, '\n'))
	if err != nil {
		_ = j.truncate() // if it fails, a broken line stays, which the next openJournal reports
		return err
	}
	j.size += int64(n)
	return nil
}

// close unlocks the file, and removes it if it is empty.
func (j *journal) close() {
	if j.size == 0 {
		_ = os.Remove(j.name) // it may be removed already
	}
	j.unlock()
}

func (j *journal) unlock() {
	if j.file != nil {
		_ = j.file.Close() // the next run checks the lines that it reads
	}
	_ = j.lock.Unlock()
}

func (j *journal) remove() error { return os.Remove(j.name) }
