package sippy

import (
	"strconv"
	"unicode/utf8"

	"topupd/methods/xmlrpc"
)

// field is a member of the create and update calls of accounts or customers that
// concerns telephony or people only: it is kept as it came and returned by get
// (S-402). Members that billing acts on are read by terms.
type field struct {
	name string
	kind string // int, double, boolean, string
	// null: it may be null, which is what it is until it was set; others start as
	// the zero of their kind.
	null bool
}

// contactFields are those that accounts and customers share, without email.
var contactFields = []field{
	{"company_name", "string", false},
	{"salutation", "string", false},
	{"first_name", "string", false},
	{"last_name", "string", false},
	{"mid_init", "string", false},
	{"street_addr", "string", false},
	{"state", "string", false},
	{"postal_code", "string", false},
	{"city", "string", false},
	{"country", "string", false},
	{"contact", "string", false},
	{"phone", "string", false},
	{"fax", "string", false},
	{"alt_phone", "string", false},
	{"alt_contact", "string", false},
	{"cc", "string", false},
	{"bcc", "string", false},
}

var accountFields = append([]field{
	{"authname", "string", false},
	{"max_sessions", "int", false},
	{"max_credit_time", "int", false},
	{"translation_rule", "string", false},
	{"cli_translation_rule", "string", false},
	{"i_time_zone", "int", true},
	{"cpe_number", "string", false},
	{"vm_enabled", "int", false},
	{"i_lang", "string", false},
	{"payment_method", "int", true},
	{"i_export_type", "int", true},
	{"preferred_codec", "int", true},
	{"use_preferred_codec_only", "boolean", false},
	{"reg_allowed", "boolean", false},
	{"welcome_call_ivr", "int", false},
	{"trust_cli", "boolean", false},
	{"disallow_loops", "boolean", false},
	{"vm_notify_emails", "string", false},
	{"vm_forward_emails", "string", false},
	{"vm_del_after_fwd", "boolean", false},
	{"i_password_policy", "int", true},
	{"i_media_relay_type", "int", true},
	{"i_routing_group", "int", true},
	{"i_account_class", "int", true},
	{"max_calls_per_second", "double", true},
}, contactFields...)

var customerFields = append([]field{
	{"description", "string", false},
	{"i_tariff", "int", true},
	{"i_routing_group", "int", true},
	{"accounts_mgmt", "int", false},
	{"customers_mgmt", "int", false},
	{"tariffs_mgmt", "int", false},
	{"vouchers_mgmt", "int", false},
	{"system_mgmt", "int", false},
	{"mail_from", "string", false},
	{"payment_method", "int", true},
	{"i_time_zone", "int", true},
	{"i_lang", "string", false},
	{"i_export_type", "int", true},
	{"i_password_policy", "int", true},
	{"i_media_relay_type", "int", true},
	{"max_sessions", "int", false},
	{"max_calls_per_second", "double", true},
}, contactFields...)

// maxField bounds a text, in characters.
const maxField = 1000

// read reads a field of a call. Null in a text is the empty one, as clients send it.
func (f *field) read(p xmlrpc.Params) (v xmlrpc.Value, given bool, err error) {
	var state xmlrpc.State
	switch f.kind {
	case "int":
		if flag, ok := p.Value(f.name); ok && flag.Kind() == xmlrpc.KindBoolean {
			var b bool
			b, state, err = p.Bool(f.name)
			v = xmlrpc.Int(0)
			if b {
				v = xmlrpc.Int(1)
			}
			break
		}
		var n int64
		n, state, err = p.Int(f.name)
		v = xmlrpc.Int(n)
	case "double":
		var text string
		text, state, err = p.Decimal(f.name)
		v = xmlrpc.Double(text)
	case "boolean":
		var b bool
		b, state, err = p.Bool(f.name)
		v = xmlrpc.Bool(b)
	default:
		var text string
		text, state, err = p.String(f.name)
		v = xmlrpc.String(text)
		if err == nil && (utf8.RuneCountInString(text) > maxField || !utf8.ValidString(text)) {
			err = wrong(f.name)
		}
	}
	switch {
	case err != nil || state == xmlrpc.Absent:
		return v, false, err
	case state == xmlrpc.Null && !f.null && f.kind != "string":
		return v, false, wrong(f.name)
	case state == xmlrpc.Null:
		return f.unset(), true, nil
	}
	return v, true, nil
}

// unset is what a field is that was never set.
func (f *field) unset() xmlrpc.Value {
	switch {
	case f.null:
		return xmlrpc.Nil()
	case f.kind == "int":
		return xmlrpc.Int(0)
	case f.kind == "double":
		return xmlrpc.Double("0.0")
	case f.kind == "boolean":
		return xmlrpc.Bool(false)
	}
	return xmlrpc.String("")
}

func (f *field) param() param {
	kind := f.kind
	if f.null {
		kind += " or nil"
	}
	p := param{name: f.name, kind: kind}
	if f.kind == "string" {
		p.note = "to " + strconv.Itoa(maxField) + " characters"
	}
	return p
}

func fieldParams(fields []field) []param {
	params := make([]param, len(fields))
	for i := range fields {
		params[i] = fields[i].param()
	}
	return params
}
