package billing

import (
	"slices"
	"strconv"
	"strings"
)

// CardType is the switch's i_card_type; 0 is not known.
type CardType int

// The types of a card.
const (
	CardVisa CardType = iota + 1
	CardAmericanExpress
	CardMasterCard
	CardDiscover
	CardJCB
	CardDinersClub
)

var cardTypeNames = [...]string{
	CardVisa: "Visa", CardAmericanExpress: "American Express", CardMasterCard: "MasterCard",
	CardDiscover: "Discover", CardJCB: "JCB", CardDinersClub: "Diner's Club",
}

// Known reports whether it is one of the six.
func (t CardType) Known() bool { return t >= CardVisa && t <= CardDinersClub }

// String is the type's name as people are shown it; empty when not known.
func (t CardType) String() string {
	if !t.Known() {
		return ""
	}
	return cardTypeNames[t]
}

// cardTypeOf is the type that a brand's name means, however a gateway writes it.
func cardTypeOf(brand string) CardType {
	letters := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, strings.ToLower(brand))
	switch letters {
	case "visa":
		return CardVisa
	case "americanexpress", "amex":
		return CardAmericanExpress
	case "mastercard":
		return CardMasterCard
	case "discover":
		return CardDiscover
	case "jcb":
		return CardJCB
	case "dinersclub", "diners":
		return CardDinersClub
	}
	return 0
}

// issuerRange is a range of the six digits with which a network's numbers begin.
type issuerRange struct {
	from, to int
	kind     CardType
}

// issuerRanges are the published ranges (ISO/IEC 7812) of the six networks.
var issuerRanges = []issuerRange{
	{222100, 272099, CardMasterCard},
	{300000, 305999, CardDinersClub},
	{309500, 309599, CardDinersClub},
	{340000, 349999, CardAmericanExpress},
	{352800, 358999, CardJCB},
	{360000, 369999, CardDinersClub},
	{370000, 379999, CardAmericanExpress},
	{380000, 399999, CardDinersClub},
	{400000, 499999, CardVisa},
	{510000, 559999, CardMasterCard},
	{601100, 601199, CardDiscover},
	{622126, 622925, CardDiscover},
	{644000, 659999, CardDiscover},
}

// cardTypeOfNumber is the type by a number's leading digits; 0 is another network.
func cardTypeOfNumber(digits string) CardType {
	lead, err := strconv.Atoi(digits[:min(len(digits), 6)])
	if err != nil {
		return 0
	}
	i := slices.IndexFunc(issuerRanges, func(r issuerRange) bool { return r.from <= lead && lead <= r.to })
	if i < 0 {
		return 0
	}
	return issuerRanges[i].kind
}
