package backfill

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
	"ksyun_bill_exporter/output"

	"github.com/go-kit/log/level"
)

// subject is what bill-union is asked of a month. Its text is the name under which the answer is kept.
type subject string

const (
	sums         subject = "sums" // of the pay modes
	productDays  subject = "product_days"
	projectDays  subject = "project_days"
	instances    subject = "instances"     // with names of products and projects
	groupList    subject = "groups"        // the product groups; of no month, and kept under the first one
	productCodes subject = "product_codes" // of postpaid instances, from the service bill; of one month
)

// detailSubjects are what is asked of a month that has other pay modes than postpaid.
var detailSubjects = []subject{productDays, projectDays, instances}

// answer is what bill-union says of a subject: one of the fields, or none if it refuses to answer.
type answer struct {
	Refused string                    `json:",omitempty"` // why it has nothing
	Unknown bool                      `json:",omitempty"` // it refuses because it does not know the action
	Sums    *ledger.Union             `json:",omitempty"`
	Days    *ledger.ModeDays          `json:",omitempty"`
	Lines   *ledger.ModeLines         `json:",omitempty"`
	Groups  []billclient.ProductGroup `json:",omitempty"`
	Codes   map[string]string         `json:",omitempty"` // by instance, empty if it has several
}

// missedBy returns the pay modes that come to something else in the answer than in the month's sums.
func (a *answer) missedBy(sums *ledger.Union) []string {
	switch {
	case a.Days != nil:
		return a.Days.MissesModes(sums)
	case a.Lines != nil:
		return a.Lines.MissesModes(sums)
	default:
		return nil
	}
}

// hasOtherModes reports whether sums have another pay mode than postpaid.
func (a *answer) hasOtherModes() bool {
	return a != nil && a.Sums != nil && slices.ContainsFunc(a.Sums.Parts, func(r ledger.Row) bool {
		return r.Labels[0] != billclient.Postpaid
	})
}

// askModes asks for what months cost in other pay modes than postpaid. All sums come first: they tell which months have
// more to ask for.
func (j *job) askModes(ctx context.Context, a account) error {
	months := j.shownMonths(a)
	for _, m := range months {
		if err := j.ask(ctx, a, m, sums); err != nil {
			return err
		}
	}
	months = slices.DeleteFunc(months, func(m billclient.Month) bool {
		return !j.journal.answer(a.owner, m, sums).hasOtherModes()
	})
	if err := j.askProducts(ctx, a); err != nil {
		return err
	}
	for _, m := range months {
		for _, of := range detailSubjects {
			if err := j.ask(ctx, a, m, of); err != nil {
				return err
			}
		}
	}
	level.Info(j.logger).Log("msg", "months with other pay modes than postpaid", "account", a.Name, "months", len(months))
	return askPurchases(j, ctx, a)
}

// askProducts asks for what tells which product a product group is.
func (j *job) askProducts(ctx context.Context, a account) error {
	if err := j.ask(ctx, a, billclient.FirstMonth, groupList); err != nil {
		return err
	}
	if m := newestBilled(j, a); m != 0 {
		return j.ask(ctx, a, m, productCodes)
	}
	return nil
}

// shownMonths returns the months that the file has of an account. One whose bill may still come is left out: without
// it, other pay modes would look like a cheap month.
func (j *job) shownMonths(a account) (months []billclient.Month) {
	for m := j.from; m <= j.to; m++ {
		if len(j.journal.bills[monthKey{a.owner, m}]) > 0 || !j.journal.mayBeEarly(m) {
			months = append(months, m)
		}
	}
	return months
}

// ask asks for a subject of a month, unless it is known. That the API does not know the action, or calls the month
// invalid, is an answer, too.
func (j *job) ask(ctx context.Context, a account, m billclient.Month, of subject) error {
	if j.journal.answer(a.owner, m, of) != nil {
		return nil
	}
	next, err := j.journal.refusal(a.owner, of), error(nil)
	if next == nil {
		next, err = j.askUntilWhole(ctx, a, m, of)
	}
	if isRefusal(err) {
		next, err = &answer{Refused: err.Error(), Unknown: billclient.IsUnknownAction(err)}, nil
	}
	if billclient.IsDenied(err) {
		return fmt.Errorf("%w; --pay-modes=postpaid does without", err)
	}
	if err != nil {
		return err
	}
	return j.journal.recordAnswer(a.owner, m, of, next)
}

// isRefusal reports whether an API that works has nothing to say.
func isRefusal(err error) bool {
	return err != nil && (billclient.IsUnknownAction(err) || billclient.ReasonOf(err) == billclient.Invalid)
}

// askUntilWhole asks once more if an answer does not come to the month's sums. What the second answer lacks is of no
// product and no project.
func (j *job) askUntilWhole(ctx context.Context, a account, m billclient.Month, of subject) (*answer, error) {
	known := j.journal.answer(a.owner, m, sums)
	for isSecond := false; ; isSecond = true {
		next, err := j.askOnce(ctx, a, m, of)
		if err != nil || known == nil || known.Sums == nil {
			return next, err
		}
		missed := next.missedBy(known.Sums)
		if missed != nil && isSecond {
			level.Warn(j.logger).Log("msg", "parts do not come to the sum of the month: the difference is of __none__",
				"account", a.Name, "month", m, "parts", of, "pay_modes", strings.Join(missed, ","))
		}
		if missed == nil || isSecond {
			return next, nil
		}
	}
}

// askOnce makes the calls for a subject of a month.
func (j *job) askOnce(ctx context.Context, a account, m billclient.Month, of subject) (*answer, error) {
	from, to := billclient.DayOf(m.Start()), billclient.DayOf(m.End()).Add(-1)
	switch of {
	case sums:
		s, err := a.client.DescribeBillSummaryByPayMode(ctx, m)
		return &answer{Sums: ledger.SummarizeUnion(s, j.journal.now)}, err
	case productDays:
		days, err := a.client.QueryProductConsume(ctx, from, to)
		return &answer{Days: ledger.SummarizeDays(days, j.journal.now)}, err
	case projectDays:
		days, err := a.client.QueryProjectConsume(ctx, from, to)
		return &answer{Days: ledger.SummarizeDays(days, j.journal.now)}, err
	case instances:
		lines, err := readInstances(j, ctx, a, m)
		return &answer{Lines: lines}, err
	case productCodes:
		codes, err := readProductCodes(j, ctx, a, m)
		return &answer{Codes: codes}, err
	default: // groupList
		groups, err := a.client.ListProductGroups(ctx)
		return &answer{Groups: groups}, err
	}
}

// isKnown reports whether all that the file needs of a month is known.
func (j *job) isKnown(a account, m billclient.Month) bool {
	if _, ok := j.journal.bills[monthKey{a.owner, m}]; !ok || !a.hasModes {
		return ok
	}
	if !slices.Contains(j.shownMonths(a), m) {
		return true
	}
	known := j.journal.answer(a.owner, m, sums)
	isMissing := func(of subject) bool { return j.journal.answer(a.owner, m, of) == nil }
	return known != nil && (!known.hasOtherModes() || !slices.ContainsFunc(detailSubjects, isMissing))
}

// payModes are the pay modes that the file has, nil for all that the API has.
type payModes []string

// parsePayModes reads the flag --pay-modes.
func parsePayModes(text string) (modes payModes, err error) {
	if text == "" {
		return nil, nil
	}
	for mode := range strings.SplitSeq(text, ",") {
		if mode = strings.TrimSpace(mode); !billclient.IsPayMode(mode) {
			return nil, fmt.Errorf("--pay-modes: %q is none of postpaid, prepaid, realtime", mode)
		}
		modes = append(modes, mode)
	}
	return modes, nil
}

// has reports whether the file has a pay mode. What belongs to none is in the file with all three.
func (p payModes) has(mode string) bool {
	if p == nil {
		return true
	}
	all := []string{billclient.Postpaid, billclient.Prepaid, billclient.Realtime}
	return slices.Contains(p, mode) || !slices.ContainsFunc(all, func(m string) bool { return !slices.Contains(p, m) })
}

// needUnion reports whether bill-union is to be asked.
func (p payModes) needUnion() bool { return p.has(billclient.Prepaid) || p.has(billclient.Realtime) }

// errNoUnion says that pay modes were asked for that only bill-union has.
var errNoUnion = errors.New("--pay-modes: other pay modes than postpaid need api.union_endpoint")

// checkUnion fails if pay modes were asked for by name that cannot be had for an account.
func (p payModes) checkUnion(accounts []account) error {
	for _, a := range accounts {
		if p != nil && p.needUnion() && !a.hasModes {
			return fmt.Errorf("%s: %w", output.Printable(a.Name), errNoUnion)
		}
	}
	return nil
}
