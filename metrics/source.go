package metrics

import (
	"time"

	"ksyun_bill_exporter/billclient"
)

// Source is how asking one source of an account has gone so far.
type Source struct {
	Name  string // the source label
	Title string // for people, in English
	Progress
	FromDisk bool      // the numbers are from before a restart
	Reading  bool      // it is being read
	Next     time.Time // when it is asked next; zero where that depends on what other sources say
}

// Progress is what of a source outlives a restart. The zero time stands for never.
type Progress struct {
	Up                       bool // the last attempt succeeded
	LastAttempt, LastSuccess time.Time
	Duration                 time.Duration     // of the last attempt
	Items                    int               // bill lines, or months, in the last good answer
	Data                     time.Time         // up to which the last good answer counts; zero if it does not say
	Failed                   int               // attempts in a row
	Reason                   billclient.Reason // of the last failure
	Foreign                  bool              // the last failure is an answer about another customer than expected
	NotCNY                   bool              // the last answer that named a currency named another one than CNY
	Error                    string            // the last failure in words, without secrets
	Retry                    time.Time         // when a failed source is due again; zero if it did not fail
	NotBefore                time.Time         // until when the server asked to be left alone; zero if it did not
}

// WasTried reports whether the source was ever asked.
func (p Progress) WasTried() bool { return !p.LastAttempt.IsZero() }

// IsFailing reports whether the last attempt failed.
func (p Progress) IsFailing() bool { return p.Failed > 0 }
