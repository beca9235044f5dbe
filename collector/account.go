package collector

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/metrics"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
)

// account asks for one account's money and keeps the last good numbers. It is safe for concurrent use.
type account struct {
	Account
	options  Options
	client   *billclient.Client
	logger   log.Logger
	onLearn  func()      // called when there is something new to keep, and to show after that
	onChange func()      // called when there is something new to show
	onSave   func(error) // called with the result of each save
	slots    *slots      // of all accounts
	kicks    map[loopName]chan struct{}
	vault    *vault

	disk   patient       // of the state directory
	writes chan struct{} // has room for each account that may write at once; nil: all may
	saving sync.Mutex    // held while what was learned is kept, and then shown

	mu      sync.Mutex // guards what follows
	key     billclient.Credentials
	keyErr  error // why the key could not be read the last time
	custody *custody
	unkept  bool             // something was learned that is not kept yet
	isNew   bool             // likewise, and is to be shown
	former  string           // file of the numbers that were read with another key; empty: none
	refused *metrics.Refusal // why the numbers are not shown; nil if they are
}

// newAccount returns an account that has no key yet, and no numbers (see takeCustody).
func newAccount(a Account, options Options, logger log.Logger, vault *vault, slots *slots) *account {
	n := &account{
		Account: a, options: options, logger: log.With(logger, "account", a.Name), vault: vault,
		onLearn: func() {}, onChange: func() {}, onSave: func(error) {},
		slots: slots, kicks: map[loopName]chan struct{}{},
	}
	for _, loop := range loopNames {
		n.kicks[loop] = make(chan struct{}, 1)
	}
	api := a.API
	api.Credentials = func(context.Context) (billclient.Credentials, error) {
		return n.currentKey() // one key for all that is asked between two looks at it
	}
	n.client = billclient.New(api)
	return n
}

// readKey reads the account's key, or gives up when ctx has ended.
func (a *account) readKey(ctx context.Context) (billclient.Credentials, error) {
	if a.API.Credentials == nil {
		return billclient.Credentials{}, nil
	}
	return a.API.Credentials(ctx)
}

// firstPatience is how long an account waits for its key before it starts without one. It has the key as soon as that
// can be read (see awaitOtherKey).
const firstPatience = time.Second

// takeCustody reads the account's key, and takes over what the vault has of it.
func (a *account) takeCustody(ctx context.Context) {
	ctx, cancel := context.WithTimeoutCause(ctx, firstPatience, fmt.Errorf("reading it took longer than %v", firstPatience))
	defer cancel()
	a.key, a.keyErr = a.readKey(ctx)
	a.custody = a.newCustody(a.key, a.keyErr)
}

func (a *account) currentKey() (billclient.Credentials, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.key, a.keyErr
}

// newCustody returns a custody of a key with what was kept of it. While no key can be read, it is that of the key that
// the account had last, if it was read at the same place.
func (a *account) newCustody(key billclient.Credentials, err error) *custody {
	keyID := ""
	var k *kept
	if err == nil {
		keyID = fingerprint(key.AccessKeyID)
		k = a.vault.takeOfKey(keyID, a.Name)
	} else if k = a.vault.takeOfPlace(a.Name, fingerprint(a.Keys)); k != nil {
		keyID = k.Owner
	}
	c := newCustody(keyID, a.Name, originsOf(a.Account, a.options), a.options.Refresh.Interval)
	if k = a.checkKept(k); k != nil {
		a.resume(c, k, nil)
		if k.Key != fingerprintOf(key) && err == nil {
			c.askAtOnce()
		}
	}
	if k != nil {
		c.tell()
		a.logKept(k)
	}
	c.reveal()
	return c
}

// logKept says that numbers are from before a restart, and when they are asked for next.
func (a *account) logKept(k *kept) {
	if k.fromDisk == nil {
		level.Info(a.logger).Log("msg", "numbers from before the restart", "next",
			laterOf(k.Next, now()).In(billclient.Beijing).Format(time.RFC3339))
	}
}

// checkKept returns what was kept, nil if it was made by another configuration: that is set aside.
func (a *account) checkKept(k *kept) *kept {
	if k == nil || k.config == configFingerprint(a.Account) {
		return k
	}
	file := k.file
	if file == "" {
		file = a.options.State.file(a.Name)
	}
	level.Error(a.logger).Log("msg", "kept numbers are not used, the API is asked",
		"err", a.options.State.setAside(file, errOtherConfig))
	return nil
}

// resume takes over what was kept. Lines that are to be added up in another way are read at once.
func (a *account) resume(c *custody, k *kept, fresh map[string]bool) {
	c.resume(k, fresh)
	if k.Details != lineFingerprint(a.options) || !k.Snapshot.Matches(a.options.Instances, metrics.LedgerViews()) {
		c.dropLines()
	}
	for _, s := range optionalServices {
		if of := s.origin(a.Account, a.options); s.isAsked(a.Account) && k.Origins[s.name] != of {
			c.drop(s, of)
		}
	}
	if k.file != "" && k.file != a.options.State.file(a.Name) {
		a.setFormer(k.file)
	}
}

// findKept looks for numbers that were kept of the customer that an answer has told, once for each custody. What the
// key has read itself is newer. It reports whether there are any.
func (a *account) findKept(c *custody, answered string) bool {
	if a.vault.empty() || !c.untold() {
		return false
	}
	snapshot, _ := c.state()
	k := a.checkKept(a.vault.takeOfCustomer(snapshot))
	if k == nil {
		return false
	}
	k.Snapshot = k.Snapshot.Merge(snapshot)
	a.resume(c, k, map[string]bool{answered: true})
	level.Info(a.logger).Log("msg", "the new key is of a known customer, whose numbers are taken over")
	return true
}

// run asks until ctx ends: with one key until there is another one.
func (a *account) run(ctx context.Context) {
	for ctx.Err() == nil {
		withKey, cancel := context.WithCancel(ctx)
		var loops sync.WaitGroup
		for _, name := range loopNames {
			if !hasSources(a.Account, name) {
				continue
			}
			l := &loop{account: a, custody: a.currentCustody(), name: name, kick: a.kicks[name]}
			loops.Go(func() { l.run(withKey) })
		}
		key, ok := a.awaitOtherKey(ctx)
		cancel()
		loops.Wait()
		if ok {
			a.changeCustody(ctx, key)
		}
	}
}

// hasSources reports whether a loop has anything to ask.
func hasSources(a Account, name loopName) bool {
	return slices.ContainsFunc(sources, func(s source) bool { return s.loop == name && s.isEnabled(a) })
}

// awaitOtherKey looks at the key now and every minute, and returns the next one that has another id; ok is false if ctx
// has ended before. With another secret, or after the key could not be read, everything is asked at once.
func (a *account) awaitOtherKey(ctx context.Context) (key billclient.Credentials, ok bool) {
	for ; ; sleep(ctx, wake, nil) {
		key, err := a.readKey(ctx)
		if ctx.Err() != nil {
			return key, false
		}
		c := a.currentCustody()
		if err == nil && fingerprint(key.AccessKeyID) != c.keyID {
			return key, true
		}
		a.mu.Lock()
		changed := err == nil && (a.keyErr != nil || a.key != key)
		a.key, a.keyErr = key, err
		a.mu.Unlock()
		if changed {
			c.askAtOnce()
			for name := range a.kicks {
				a.kick(name)
			}
		}
	}
}

func (a *account) currentCustody() *custody {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.custody
}

// changeCustody goes over to another key. What was read with the former one is no longer shown, but kept for the key
// and the customer that it is of.
func (a *account) changeCustody(ctx context.Context, key billclient.Credentials) {
	a.saving.Lock()
	defer a.saving.Unlock()
	a.keepLearned(ctx)
	before := a.currentCustody()
	k := a.keep(before)
	file, err := patiently(ctx, &a.disk, "state of account "+a.Name, func() (string, error) {
		return a.options.State.setApart(a.Name, before.keyID)
	})
	if err != nil {
		a.onSave(err)
	}
	k.file, k.apart = file, true
	a.vault.put(k)
	c := a.newCustody(key, nil)
	c.takeCounters(before)
	c.reveal()
	a.mu.Lock()
	a.key, a.keyErr, a.custody = key, nil, c
	a.mu.Unlock()
	if !c.untold() {
		a.save(ctx, c)
	}
	level.Info(a.logger).Log("msg", "the key was replaced, nothing of the former one is shown until an answer tells whose the"+
		" new one is")
	a.onChange()
}

// kick wakes a loop up to look whether there is something to ask.
func (a *account) kick(name loopName) {
	a.currentCustody().schedule(name, func(s *schedule) { s.kicked = true })
	select {
	case a.kicks[name] <- struct{}{}:
	default:
	}
}

// publish has what is known kept, and shown after that, together with what else is learned until then.
func (a *account) publish() { a.noteLearned(true) }

// noteLearned has what is known kept; isNew says whether there is something to show after that.
func (a *account) noteLearned(isNew bool) {
	a.mu.Lock()
	a.unkept, a.isNew = true, a.isNew || isNew
	a.mu.Unlock()
	a.onLearn()
}

// takeLearned reports whether something was learned since the last call that is to be kept, and to be shown.
func (a *account) takeLearned() (unkept, isNew bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	unkept, isNew = a.unkept, a.isNew
	a.unkept, a.isNew = false, false
	return unkept, isNew
}

// keepLearned keeps what was learned, and shows it after that. It needs a.saving.
func (a *account) keepLearned(ctx context.Context) {
	unkept, isNew := a.takeLearned()
	if !unkept {
		return
	}
	c := a.currentCustody()
	v := c.look()
	a.save(ctx, c)
	if isNew {
		c.show(v)
		a.onChange()
	}
}

// keepNow keeps what was learned, and shows it after that.
func (a *account) keepNow(ctx context.Context) {
	a.saving.Lock()
	defer a.saving.Unlock()
	a.keepLearned(ctx)
}

// keepUnlessSaving is keepNow unless that is under way. Then it is called again.
func (a *account) keepUnlessSaving(ctx context.Context) {
	if !a.hasLearned() || !a.saving.TryLock() {
		return
	}
	a.keepLearned(ctx)
	a.saving.Unlock()
	if a.hasLearned() {
		a.onLearn()
	}
}

// hasLearned reports whether there is something to keep.
func (a *account) hasLearned() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.unkept
}

// save writes what is known to disk. What could not be kept in time is shown all the same.
func (a *account) save(ctx context.Context, c *custody) {
	if a.options.State == nil {
		return
	}
	defer a.takeTurn()() // also where the file is given up: one that hangs must not take a turn for ever
	former := a.takeFormer()
	_, err := patiently(ctx, &a.disk, "state of account "+a.Name, func() (struct{}, error) {
		if err := a.readAgain(); err != nil {
			return struct{}{}, err
		}
		err := a.options.State.save(a.keep(c))
		if err == nil {
			err = a.options.State.remove(former)
		}
		return struct{}{}, err
	})
	if err != nil {
		a.setFormer(former)
	}
	if ctx.Err() == nil {
		a.onSave(err)
	}
}

// longestTurn is how long an account waits for its turn to write: files that hang must not hold up those of others.
const longestTurn = 5 * time.Second

// takeTurn waits until few enough accounts write, and returns what ends the turn.
func (a *account) takeTurn() (end func()) {
	if a.writes == nil {
		return func() {}
	}
	limit := time.NewTimer(longestTurn)
	defer limit.Stop()
	select {
	case a.writes <- struct{}{}:
		return func() { <-a.writes }
	case <-limit.C:
		return func() {}
	}
}

// readAgain puts what could not be read before into the vault, where an answer of its customer finds it.
func (a *account) readAgain() error {
	k, err := a.options.State.readAgain(a.Name)
	if k == nil {
		return err
	}
	file, apartErr := a.options.State.setApart(a.Name, k.Owner)
	k.file, k.apart = file, true
	a.vault.put(k)
	return errors.Join(err, apartErr)
}

// takeFormer returns the file whose numbers are kept in the account's own one with the next save.
func (a *account) takeFormer() (file string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	file, a.former = a.former, ""
	return file
}

func (a *account) setFormer(file string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.former = file
}

// makeRoom renames the files of accounts that are configured where the numbers in them are not theirs any more, but of
// an account that has not kept them under its name yet, or of none. Otherwise a save would overwrite them.
func makeRoom(state *State, v *vault, accounts []*account) (err error) {
	owners := map[string]*account{} // by the file that is to be renamed
	for _, a := range accounts {
		if former := a.takeFormer(); former != "" {
			owners[former] = a
		}
	}
	for _, a := range accounts {
		file := state.file(a.Name)
		if owner := owners[file]; owner != nil {
			renamed, renameErr := state.setApart(a.Name, owner.currentCustody().keyID)
			err = errors.Join(err, renameErr)
			delete(owners, file)
			owner.setFormer(renamed)
		}
		err = errors.Join(err, v.setApart(file, func(k *kept) (string, error) { return state.setApart(a.Name, k.Owner) }))
	}
	for former, a := range owners {
		a.setFormer(former)
	}
	return err
}

// keep returns what of the account outlives a restart.
func (a *account) keep(c *custody) *kept {
	k := c.keep(a.Name)
	k.config, k.Details, k.Keys = configFingerprint(a.Account), lineFingerprint(a.options), fingerprint(a.Keys)
	key, _ := a.currentKey()
	k.Key = fingerprintOf(key)
	return k
}

// usedAttempts returns the attempts at the sources that the configuration uses. They do not change.
func usedAttempts(a Account, v visible) (used []*attempts) {
	for i := range v.attempts {
		if sources[i].isEnabled(a) {
			used = append(used, &v.attempts[i])
		}
	}
	return used
}

// hasTried reports whether the account has numbers or has finished an attempt.
func (a *account) hasTried() bool {
	return slices.ContainsFunc(a.currentCustody().visibleState().attempts, func(s attempts) bool { return s.WasTried() })
}

// isShown reports whether the account's numbers are shown.
func (a *account) isShown() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.refused == nil
}

// refuse decides whether the account's numbers may be shown, and logs a new refusal.
func (a *account) refuse(claims claims) *metrics.Refusal {
	v := a.currentCustody().visibleState()
	refusal := claims.check(a, v)
	a.mu.Lock()
	defer a.mu.Unlock()
	if refusal != nil && (a.refused == nil || *refusal != *a.refused) {
		level.Error(a.logger).Log("msg", "account refused, its numbers are not shown", "err", refusal)
	}
	a.refused = refusal
	return refusal
}

// show returns what is shown of the account.
func (a *account) show(refused *metrics.Refusal) metrics.Account {
	v := a.currentCustody().visibleState()
	shown := metrics.Account{
		Name: a.Name, CustomerID: a.CustomerID, Snapshot: v.snapshot, Refused: refused,
		AllModes: a.API.UnionEndpoint != "",
	}
	used := usedAttempts(a.Account, v)
	shown.Sources = make([]metrics.Source, len(used))
	for i, s := range used {
		shown.Sources[i] = s.Source
	}
	for _, s := range optionalServices {
		if !s.isAsked(a.Account) { // what is kept of it may be wanted again
			shown.Snapshot = s.without(shown.Snapshot)
		}
	}
	return shown
}

// sameAs reports whether the account is configured as it was.
func (a *account) sameAs(configured Account, options Options) bool {
	return reflect.DeepEqual(identity(a.Account, a.options), identity(configured, options))
}

// identity returns all that an account's asking and adding up depends on. What is only added to a page, what all
// accounts share, and functions, which cannot be compared, are not in it. Of the keeper of lines, which goes on to
// another place by itself, only counts whether there is one.
func identity(a Account, o Options) any {
	a.API.Credentials, a.API.Counter, a.API.Transport = nil, nil, nil
	a.API.Observe, a.API.OnRetry, a.API.OnLeftOut, a.API.DailyReserve = nil, nil, nil, 0
	a.API.MostPages, o.Refresh.Concurrency = 0, 0
	return []any{a, o.Refresh, o.Months, o.Instances, o.Days, o.Prepaid, o.Keeper != nil}
}
