package collector

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"
	"ksyun_bill_exporter/ledger"

	"github.com/google/go-cmp/cmp"
)

// made returns n elements with something else in each field of each.
func made[E any](n int) []E {
	list, count := make([]E, n), 0
	for i := range list {
		fill(reflect.ValueOf(&list[i]).Elem(), &count)
	}
	return list
}

func fill(v reflect.Value, count *int) {
	*count++
	switch at := v.Addr().Interface().(type) {
	case *billclient.Amount:
		*at = yuan(fmt.Sprint(*count, ".0625"))
		return
	case *time.Time:
		*at = october(1).Add(time.Duration(*count) * time.Second)
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprint("text-", *count))
	case reflect.Int:
		v.SetInt(int64(*count))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), count)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), count)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i), count)
			}
		}
	default:
		panic(v.Kind())
	}
}

// madeRows returns n rows of as many labels as a view has.
func madeRows(n, labels int) []ledger.Row {
	rows := made[ledger.Row](n)
	for i := range rows {
		rows[i].Labels = append(make([]string, 0, labels), fmt.Sprint(i), "地域", "", "x")[:labels]
	}
	return rows
}

// largeSnapshot has everything that can be large, and is.
func largeSnapshot() *ledger.Snapshot {
	of, n := billclient.MonthOf(october(1)), minPartSize
	first := billclient.DayOf(of.Start())
	summary := &ledger.Summary{Month: of, Sum: yuan("1"), ReadAt: october(15)}
	lines := func() *ledger.LineSums {
		return &ledger.LineSums{
			ReadFor: summary, ReadAt: october(15), Summed: true,
			Rows:      map[string][]ledger.Row{"instance": madeRows(n, 4), "region": madeRows(2, 1), "tag": {}},
			Instances: made[ledger.Instance](n),
		}
	}
	modes := made[ledger.ModeInstance](n)
	m := ledger.Month{
		Bill: ledger.Book{Summary: summary, Lines: lines()}, Estimate: ledger.Book{Summary: summary, Lines: lines()},
		DayLines: &ledger.ModeLines{
			ReadAt: october(15), Count: n, Through: first, Instances: modes, Bought: made[ledger.Purchase](3),
			Days: map[billclient.Day][]ledger.DayCost{first: {{Instance: 7, Cost: yuan("-3")}}, first + 1: {}},
			Sums: map[string]*ledger.LineSums{billclient.Prepaid: lines()},
		},
		MonthLines: &ledger.ModeLines{Bought: made[ledger.Purchase](n)},
	}.WithModeDays(ledger.ByGroup, &ledger.ModeDays{Days: map[billclient.Day][]ledger.Row{first: madeRows(n, 2)}})
	s := (&ledger.Snapshot{}).WithMonth(of, m).WithDays(of, map[billclient.Day]ledger.Day{
		first: {ProjectProduct: madeRows(n, 2), Instances: made[ledger.InstanceCost](n)}, first + 1: {ReadAt: october(15)},
	})
	s.Prepaid = map[billclient.Month]*ledger.PrepaidMonth{of: {Count: n, Bought: made[ledger.Purchase](n)}}
	return s.WithTerms(&ledger.Terms{All: made[ledger.Term](n)})
}

// reopened returns the directory as the next process has it, with what it reads.
func reopened(t *testing.T, s *State) (next *State, all []*kept, errs []error) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	next = keptIn(t, s.dir, Options{}).State
	all, errs = next.load()
	return next, all, errs
}

// partsIn returns the files of parts in a directory.
func partsIn(t *testing.T, s *State) map[string]bool {
	t.Helper()
	parts := map[string]bool{}
	for _, name := range filesOf(t, s.dir) {
		if strings.HasSuffix(name, partSuffix) {
			parts[name] = true
		}
	}
	return parts
}

// Large parts have files of their own. They come back as they were, only those that have changed are written, before
// and after a restart, and those that nothing has any more are gone.
func TestPartsOfTheState(t *testing.T) {
	s := keptIn(t, t.TempDir(), Options{}).State
	large := largeSnapshot()
	save := func(snapshot *ledger.Snapshot) map[string]bool {
		if err := s.save(&kept{Account: "main", Snapshot: snapshot, Origins: map[string]string{}, config: "c"}); err != nil {
			t.Fatal(err)
		}
		return partsIn(t, s)
	}
	first := save(large)
	const all = 4 + 2 + 1 + 2 + 2 // of books, lines of other modes, their days, days, terms and what was bought
	if len(first) != all {
		t.Errorf("parts: %v", first)
	}
	if diff := cmp.Diff(first, save(large)); diff != "" {
		t.Errorf("the same again:\n%s", diff)
	}
	s, read, errs := reopened(t, s)
	if len(read) != 1 || errs != nil {
		t.Fatalf("%v, %v", read, errs)
	}
	if diff := cmp.Diff(large, read[0].Snapshot, sameSnapshot); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(first, save(read[0].Snapshot)); diff != "" {
		t.Errorf("after the restart:\n%s", diff)
	}
	terms := made[ledger.Term](minPartSize + 1)
	second, kept := save(read[0].Snapshot.WithTerms(&ledger.Terms{All: terms})), 0
	for name := range second {
		if first[name] {
			kept++
		}
	}
	if len(second) != all || kept != all-1 {
		t.Errorf("one has changed: %d, %d of them as before", len(second), kept)
	}
	if small := save(&ledger.Snapshot{}); len(small) != 0 {
		t.Errorf("without anything large: %v", small)
	}
	const older = "ksyun_bill_exporter state 2 "
	if text, err := os.ReadFile(s.file("main")); err != nil || !strings.HasPrefix(string(text), older) {
		t.Errorf("%.60q, %v", text, err)
	}
}

// Where a part is missing or damaged, what hangs on it is left out, and lines are read again. All else stays.
func TestLostPartsOfTheState(t *testing.T) {
	of := billclient.MonthOf(october(1))
	lost := map[string]func(*ledger.Snapshot){
		"2026-10 days of Groups": func(s *ledger.Snapshot) { delete(s.Months[of].ModeDays, ledger.ByGroup) },
		"2026-10 days":           func(s *ledger.Snapshot) { s.Days = map[billclient.Day]ledger.Day{} },
		"2026-10 bought":         func(s *ledger.Snapshot) { delete(s.Prepaid, of) },
		"terms":                  func(s *ledger.Snapshot) { s.Terms = nil },
	}
	for _, place := range []string{
		"2026-10 bill rows instance", "2026-10 bill instances", "2026-10 estimate rows instance",
		"2026-10 estimate instances", "2026-10 day lines", "2026-10 month lines", "2026-10-01 instances",
	} {
		lost[place] = func(*ledger.Snapshot) {}
	}
	dir := t.TempDir()
	s := keptIn(t, dir, Options{}).State
	k := &kept{Account: "main", Snapshot: largeSnapshot(), Details: "d", config: "c"}
	if err := s.save(k); err != nil {
		t.Fatal(err)
	}
	stored := s.parts.of(s.file("main")).list()
	if len(stored) != len(lost) {
		t.Fatalf("parts: %v", stored)
	}
	for _, p := range stored {
		file := filepath.Join(dir, p.File)
		whole, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want := largeSnapshot().WithoutLines()
		lost[p.Place](want)
		for reason, damage := range map[string]func() error{
			"it is missing":                        func() error { return os.Remove(file) },
			"it is damaged: its checksum is wrong": func() error { return os.WriteFile(file, whole[1:], 0o600) },
		} {
			if err := damage(); err != nil {
				t.Fatal(err)
			}
			var read []*kept
			var errs []error
			s, read, errs = reopened(t, s)
			wantErr := "state: " + s.file("main") + ": its part " + p.File + ": " + reason + "; what hangs on it is read again"
			if len(read) != 1 || len(errs) != 1 || errs[0].Error() != wantErr {
				t.Fatalf("%s: %d, %v", p.Place, len(read), errs)
			}
			if diff := cmp.Diff(want, read[0].Snapshot, sameSnapshot); diff != "" ||
				read[0].Details != "" {
				t.Errorf("%s: (-want +got):\n%s", p.Place, diff)
			}
			if err := os.WriteFile(file, whole, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A part that cannot be read at the moment stays, and with it the file and all other parts.
func TestUnreadablePart(t *testing.T) {
	s := keptIn(t, t.TempDir(), Options{}).State
	k := &kept{Account: "main", Snapshot: largeSnapshot(), config: "c"}
	if err := s.save(k); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(s.dir, s.parts.of(s.file("main")).list()[0].File)
	if err := errors.Join(os.Rename(file, file+"x"), os.Mkdir(file, 0o700)); err != nil {
		t.Fatal(err)
	}
	before := filesOf(t, s.dir)
	s, all, errs := reopened(t, s)
	if len(all) != 0 || len(errs) != 1 || !strings.Contains(errs[0].Error(), "is a directory; it stays as it is until") {
		t.Errorf("%v, %v", all, errs)
	}
	compare(t, filesOf(t, s.dir), strings.Join(before, "\n"))
	if err := errors.Join(os.Remove(file), os.Rename(file+"x", file)); err != nil {
		t.Fatal(err)
	}
	again, err := s.readAgain("main")
	if again == nil || err != nil {
		t.Fatalf("%v, %v", again, err)
	}
	if diff := cmp.Diff(k.Snapshot, again.Snapshot, sameSnapshot); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}

// Parts go with their file, under whatever name: that of a former key, or aside. What a process that was killed has
// left is swept, unless a file could not be read that may need it. A save that fails leaves nothing.
func TestPartsGoWithTheirFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := keptIn(t, t.TempDir(), Options{}).State
		terms := func(n int) *ledger.Snapshot {
			return (&ledger.Snapshot{}).WithTerms(&ledger.Terms{All: made[ledger.Term](minPartSize + n)})
		}
		count := func(what string, want int) {
			t.Helper()
			if got := partsIn(t, s); len(got) != want {
				t.Errorf("%s: %d parts, want %d: %v", what, len(got), want, got)
			}
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(s.save(&kept{Account: "main", Snapshot: terms(0), config: "c"}))
		former, err := s.setApart("main", "key")
		must(err)
		must(s.save(&kept{Account: "main", Snapshot: terms(1), config: "c"}))
		count("of a former key too", 2)
		if err := s.setAside(s.file("main"), errOtherConfig); !errors.Is(err, errOtherConfig) {
			t.Error(err)
		}
		must(s.save(&kept{Account: "main", Snapshot: terms(2), config: "c"}))
		count("aside too", 3)
		left := filepath.Join(s.dir, "main.state.0123456789abcdef.part")
		must(os.WriteFile(left, nil, 0o600))
		must(errors.Join(os.Rename(former, former+"x"), os.Mkdir(former, 0o700)))
		s, _, _ = reopened(t, s)
		count("one cannot be read", 4)
		must(errors.Join(os.Remove(former), os.Rename(former+"x", former)))
		s, _, errs := reopened(t, s)
		count("swept", 3)
		if errs != nil {
			t.Error(errs)
		}
		must(s.remove(former))
		count("the former key is gone", 2)
		file := s.file("main")
		must(errors.Join(os.Remove(file), os.Mkdir(file, 0o700)))
		if err := s.save(&kept{Account: "main", Snapshot: terms(3), config: "c"}); err == nil {
			t.Error("a directory was replaced")
		}
		count("a save failed", 2)
		must(os.Remove(file))
		must(s.save(&kept{Account: "main", Snapshot: terms(4), config: "c"}))
		count("replaced", 2)
		must(s.removeAll(&kept{Account: "main", file: file}))
		count("all removed", 0)
	})
}

// A file of an older build, which has all numbers itself however many they are, is read.
func TestLargeStateOfAnOlderBuild(t *testing.T) {
	s := keptIn(t, t.TempDir(), Options{}).State
	k := &kept{Account: "main", Snapshot: largeSnapshot(), config: "c"}
	text, err := encodeState(k)
	if err := errors.Join(err, os.WriteFile(s.file("main"), text, 0o600)); err != nil {
		t.Fatal(err)
	}
	_, all, errs := reopened(t, s)
	if len(all) != 1 || errs != nil || !strings.HasPrefix(string(text), "ksyun_bill_exporter state 2 ") {
		t.Fatalf("%v, %v, %.60q", all, errs, text)
	}
	if diff := cmp.Diff(k.Snapshot, all[0].Snapshot, sameSnapshot); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}

// An account of many instances shows after a restart what it showed before, and lines that are read again and have not
// changed are not written again.
func TestRestartWithParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		c := newCustomer("1")
		var bought, used []billsim.Line
		for i := range minPartSize {
			id := fmt.Sprint("kec-", i)
			bought, used = append(bought, server(id, 300)), append(used, on("2026-10-13", server(id, 100)))
		}
		c.bill("2026-09", bought...)
		c.consume("2026-10", 14, used...)
		o := options(simulated("main", c.Account))
		w := start(t, october(15), keptIn(t, dir, o), c.Account)
		page, _, _ := strings.Cut(w.body(), "# HELP ksyun_bill_source")
		parts := partsIn(t, w.bills.options.State)
		if len(parts) == 0 || strings.Count(page, "\nksyun_bill_instance_cost_cny{") != minPartSize {
			t.Errorf("%d parts, %d lines", len(parts), strings.Count(page, "\n"))
		}
		w.sleep(25 * time.Hour)
		if diff := cmp.Diff(parts, partsIn(t, w.bills.options.State)); diff != "" {
			t.Errorf("read again:\n%s", diff)
		}
		page, _, _ = strings.Cut(w.body(), "# HELP ksyun_bill_source")
		w = w.restart(october(16).Add(2*time.Hour), dir, o)
		after, _, _ := strings.Cut(w.body(), "# HELP ksyun_bill_source")
		compare(t, strings.Split(strings.TrimSpace(after), "\n"), page)
	})
}

// FuzzPart reads any bytes as each part that there is. What is taken is the same when it is written and read again.
func FuzzPart(f *testing.F) {
	written := func(p part) []byte {
		var b bytes.Buffer
		w := newRecordWriter(&b)
		p.encode(w)
		if err := w.Flush(); err != nil {
			f.Fatal(err)
		}
		return b.Bytes()
	}
	var parts []part
	eachPart(largeSnapshot(), func(p part) {
		f.Add(written(p))
		parts = append(parts, p)
	})
	read := func(p part, text []byte) error {
		p.drop()
		r := newRecordReader(bytes.NewReader(text))
		p.encode(r)
		return r.end()
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, p := range parts {
			if read(p, text) != nil {
				continue
			}
			once := written(p)
			if err := read(p, once); err != nil {
				t.Fatalf("%s: %v", p.place, err)
			}
			if twice := written(p); !bytes.Equal(once, twice) {
				t.Errorf("%s: %q, then %q", p.place, once, twice)
			}
		}
	})
}
