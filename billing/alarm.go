package billing

import "errors"

// AlarmKind is what a person who runs the system is told about.
type AlarmKind string

// The alarms.
const (
	AlarmUnknown         AlarmKind = "unknown"          // 15 minutes of not knowing a charge's outcome
	AlarmUnresolved      AlarmKind = "unresolved"       // three days: a person has to find out
	AlarmManyCharges     AlarmKind = "many_charges"     // three automatic charges of one owner in an hour
	AlarmTooLarge        AlarmKind = "too_large"        // one charge above the limit of a minute
	AlarmStopped         AlarmKind = "sending_stopped"  // the global breaker
	AlarmLateCapture     AlarmKind = "late_capture"     // a charge that had ended was captured after all
	AlarmCapturedTwice   AlarmKind = "captured_twice"   // the gateway captured two attempts of one charge
	AlarmResolvedWrongly AlarmKind = "resolved_wrongly" // the gateway denies what a person said
	AlarmStrayCapture    AlarmKind = "stray_capture"    // a payment under our key that no attempt knows
	AlarmDispute         AlarmKind = "dispute"
	AlarmFraudWarning    AlarmKind = "fraud_warning"
)

// alarm tells the operator: a log line and, where root has an address, a mail.
// cause is unique: one event is told once.
func (u *unitOfWork) alarm(kind AlarmKind, cause string, top OwnerID, subject, text string) error {
	root, err := u.tx.Owner(Root)
	if err != nil {
		return err
	}
	v := noticeView{Alarm: subject, Text: text, Now: u.now}
	title, body, err := renderNotice(NoticeOperator, &v)
	if err != nil {
		return err
	}
	n := Notice{
		Owner: Root, Top: top, Kind: NoticeOperator, Cause: "alarm:" + string(kind) + ":" + cause, To: root.Email,
		Subject: title, Body: body, State: NoticePending, DueAt: u.now, CreatedAt: u.now,
	}
	if n.To == "" {
		n.State, n.DueAt = NoticeNoMail, zeroTime
	}
	err = u.tx.CreateNotice(&n)
	if errors.Is(err, Exists) {
		return nil
	}
	u.work = true
	u.tell(func(o Observer) { o.Alarmed(kind, subject, text) })
	return err
}
