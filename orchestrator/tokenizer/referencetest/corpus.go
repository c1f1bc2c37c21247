package referencetest

import (
	"fmt"
	"html"
	"math/rand/v2"
	"strings"
	"unicode"

	"golang.org/x/text/encoding/charmap"
)

// Corpus returns n varied texts, the same ones each time for the same n: captions and queries with contractions, digits,
// many scripts, emoji with joiners, combining marks, HTML references and source, escaped again and again, mojibake, control
// characters, code points that are no characters, odd spaces and line breaks, very long words, names of control tokens, and
// mixtures of all.
// They are valid UTF-8 and keep to characters that Unicode 14 knows, so that all references agree about them.
func Corpus(n int) []string {
	w := &writer{rand.New(rand.NewPCG(2026, 11))}
	texts := make([]string, n)
	for i := range texts {
		texts[i] = w.text()
	}
	return texts
}

// Captions returns n plain captions and queries, such as users write, the same ones each time.
func Captions(n int) []string {
	w := &writer{rand.New(rand.NewPCG(2026, 12))}
	texts := make([]string, n)
	for i := range texts {
		texts[i] = w.caption()
	}
	return texts
}

type writer struct{ *rand.Rand }

func pick[T any](w *writer, from []T) T { return from[w.IntN(len(from))] }

// text is one to four fragments of any kinds.
func (w *writer) text() string {
	kinds := []func() string{
		w.caption, w.caption, w.script, w.script, w.emoji, w.marks, w.references, w.references, w.mojibake, w.mojibake,
		w.mojibake, w.controls, w.numbers, w.longWord, w.special, w.forms, w.anything, w.garble, w.cased, w.escaped, w.odd,
	}
	var b strings.Builder
	for range 1 + w.IntN(4) {
		b.WriteString(pick(w, kinds)())
		b.WriteString(pick(w, separators))
	}
	return b.String()
}

var separators = []string{
	" ", " ", " ", "", "", ", ", "  ", "\t", "\n", "\r\n", "\r", "\v", "\f", "\u0085", "\u00a0", "\u1680", "\u2003",
	"\u2028", "\u2029", "\u202f", "\u3000", "\u200b", "\ufeff", "\x1c", "\x1f", "-", "'", "…", " <b> ", "</w>",
}

var captionWords = strings.Fields(`a an the photo picture of red green ripe apple apples banana litchi cherries on wooden
	table in basket market two people riding bicycles beside lake at sunset black-and-white close-up mother's don't DON'T
	we've I'm I'M they'll They'LL he'd it's IT'S y'all 'tis o'clock rock'n'roll can't've isn't... (2019) no.1 A4 50% $3.99
	#food @home café naïve Zürich São jalapeño Ångström co-operate e.g. i.e. U.S.A. iPhone13 3D x264 1,000,000 a/c & +
	"quoted" ‘single’ “double” l’été d’Ivoire rock’n’roll ’90s it’S wE’lL 'ſ 'REal 'sudden 'dark 'mid 'vein`)

func (w *writer) caption() string {
	words := make([]string, 1+w.IntN(14))
	for i := range words {
		words[i] = pick(w, captionWords)
		if w.IntN(12) == 0 {
			words[i] = strings.ToUpper(words[i])
		}
	}
	return strings.Join(words, " ")
}

// scripts are tables of which words are made; the ranges are whole blocks where the tables of Go are too wide.
var scripts = []*unicode.RangeTable{
	unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Hebrew, unicode.Arabic, unicode.Devanagari, unicode.Bengali,
	unicode.Tamil, unicode.Telugu, unicode.Thai, unicode.Lao, unicode.Tibetan, unicode.Myanmar, unicode.Georgian,
	unicode.Hangul, unicode.Ethiopic, unicode.Cherokee, unicode.Khmer, unicode.Mongolian, unicode.Hiragana,
	unicode.Katakana, unicode.Bopomofo, unicode.Han, unicode.Han, unicode.Armenian, unicode.Deseret, unicode.Gothic,
	unicode.Coptic, unicode.Adlam, unicode.Sinhala, unicode.Gujarati, unicode.Javanese, unicode.Nko, unicode.Common,
	unicode.Inherited,
}

func (w *writer) script() string {
	script := pick(w, scripts)
	var b strings.Builder
	for range 1 + w.IntN(6) {
		for range 1 + w.IntN(8) {
			b.WriteRune(w.from(script))
		}
		b.WriteString(pick(w, []string{" ", " ", ".", "، ", "。", "-", "'"}))
	}
	return b.String()
}

// from returns a character of the table that Unicode 14 knows.
func (w *writer) from(table *unicode.RangeTable) rune {
	for {
		var r rune
		if k := w.IntN(len(table.R16) + len(table.R32)); k < len(table.R16) {
			part := table.R16[k]
			r = rune(part.Lo) + rune(w.IntN(int(part.Hi-part.Lo)/int(part.Stride)+1))*rune(part.Stride)
		} else {
			part := table.R32[k-len(table.R16)]
			r = rune(part.Lo) + rune(w.IntN(int(part.Hi-part.Lo)/int(part.Stride)+1))*rune(part.Stride)
		}
		if !unicode.Is(unicode.Cs, r) && !SinceUnicode15(r) {
			return r
		}
	}
}

// SinceUnicode15 tells whether r is among the characters that came with Unicode 15.0, or in a gap beside them. Go knows them and
// the Python of the tests does not.
func SinceUnicode15(r rune) bool {
	for _, span := range [...][2]rune{
		{0x0CF3, 0x0CF3}, {0x0ECE, 0x0ECE}, {0x10EFD, 0x10EFF}, {0x1123F, 0x11241}, {0x11B00, 0x11B09}, {0x11F00, 0x11F59},
		{0x1342F, 0x13455}, {0x1B132, 0x1B155}, {0x1D2C0, 0x1D2D3}, {0x1DF25, 0x1DF2A}, {0x1E030, 0x1E08F},
		{0x1E4D0, 0x1E4F9}, {0x1F6DC, 0x1F6DC}, {0x1F774, 0x1F77F}, {0x1F7D9, 0x1F7D9}, {0x1FA75, 0x1FAFF}, {0x2B739, 0x2B739},
		{0x31350, 0x323AF},
	} {
		if r >= span[0] && r <= span[1] {
			return true
		}
	}
	return false
}

func (w *writer) emoji() string {
	return strings.Repeat(pick(w, []string{
		"😀", "❤️", "👩‍👩‍👧‍👦", "👍🏽", "🇩🇪", "🇨🇳🇺🇸", "1️⃣", "🏴󠁧󠁢󠁷󠁬󠁳󠁿", "👨🏿‍🚀", "☺", "🫠", "©️", "™", "‼️", "🧑‍🍳🍎", "⛹🏻‍♀️",
	}), 1+w.IntN(3))
}

// marks are letters with combining marks, in and out of canonical order, few and very many, and Hangul in parts.
func (w *writer) marks() string {
	var b strings.Builder
	for range 1 + w.IntN(5) {
		b.WriteString(pick(w, []string{"e", "A", "o", "ﬁ", "가", "각", "ᄀ", "का", "ি", "ো", "あ", "は", "K", "ﷺ", "ế", "क़", "\u212b", "\u0344"}))
		count := w.IntN(4)
		if w.IntN(10) == 0 {
			count = w.IntN(80)
		}
		for range count {
			b.WriteRune(pick(w, []rune{
				0x300, 0x301, 0x302, 0x308, 0x323, 0x327, 0x328, 0x345, 0x31B, 0x338, 0x5B0, 0x64B, 0x93C, 0x9BE, 0x1161,
				0x11A8, 0x3099, 0x309A, 0x20D0, 0xFE0F, 0x1D165, 0x1D16D, 0x0F71, 0x0F72, 0x0344,
			}))
		}
	}
	return b.String()
}

var referenceNames = strings.Fields(`amp lt gt quot apos nbsp eacute Eacute EACUTE NTILDE ntilde nTILDE hellip rsquo ldquo copy
	COPY reg trade not notit notin ampamp sup3 frac12 szlig SZLIG Jscr HilbertSpace checkmark bne NotEqualTilde fjlig
	CounterClockwiseContourIntegral yuml YUML times divide micro Sigma sigmaf Tab NewLine ZeroWidthSpace thinsp zwj shy
	xyz AMP LT QUOT acirc euro Uuml lt;b gt;i amp;amp amp;lt amp;amp;eacute amp;#39 #38;amp #38;#38;lt apos;s`)

// references are HTML character references, right and wrong, and some of them escaped again.
func (w *writer) references() string {
	var b strings.Builder
	for range 1 + w.IntN(5) {
		b.WriteString(pick(w, []string{"", "x", "é", " ", "fish "}))
		switch w.IntN(4) {
		case 0:
			fmt.Fprintf(&b, pick(w, []string{"&#%d", "&#%d;", "&#0%d;", "&#%dx;"}), w.code())
		case 1:
			fmt.Fprintf(&b, pick(w, []string{"&#x%x", "&#X%X;", "&#x0%x;", "&#x%xg;", "&#%x;"}), w.code())
		default:
			b.WriteString("&" + pick(w, referenceNames))
		}
		b.WriteString(pick(w, []string{";", ";", ";", "", " ", "=1", "#", "<", "é;"}))
	}
	return b.String()
}

func (w *writer) code() int {
	switch w.IntN(4) {
	case 0:
		return w.IntN(0x100)
	case 1:
		return w.IntN(0x3000)
	case 2:
		return pick(w, []int{0, 13, 38, 59, 60, 0x81, 0x85, 0x92, 0x9F, 0xD800, 0xDFFF, 0xFDD0, 0xFFFE, 0x1F600, 0x10FFFF, 0x110000, 1 << 40})
	}
	return w.IntN(0x2000)
}

var mojibakeSources = []string{
	"café", "naïve", "déjà vu à la mode", "às vezes", "l’été", "“quoted”", "‘single’…", "– and —", "Привет, мир", "ΑΒΓ αβγ",
	"你好", "日本語", "한국어", "😀", "👍🏽", "Çok güzel", "Žluťoučký kůň", "ação", "übergroß", "÷ × ±", "£5 €6", "®™©", "½ cup",
	"नमस्ते", "สวัสดี", "שלום", "مرحبا", "\u00a0", "naı̈ve", "Łódź", "đường", "Æther øre", "…", "ﬁ", "°C", "Ünïcödé", "ñ", "í", "Ã", "Â£",
}

var misreadings = []*charmap.Charmap{
	charmap.ISO8859_1, charmap.Windows1252, charmap.Windows1252, charmap.Windows1251, charmap.Windows1250, charmap.Windows1253,
	charmap.Windows1254, charmap.Windows1257, charmap.ISO8859_2, charmap.Macintosh, charmap.CodePage437,
}

// mojibake is text whose UTF-8 was read in a one-byte encoding, up to three times, and possibly damaged after that.
func (w *writer) mojibake() string {
	var b strings.Builder
	for range 1 + w.IntN(3) {
		b.WriteString(pick(w, mojibakeSources))
		b.WriteString(pick(w, []string{" ", "", " plain ", "a"}))
	}
	text := b.String()
	wrong := pick(w, misreadings)
	for range 1 + w.IntN(6)/4 + w.IntN(8)/7 {
		text = misread(text, wrong)
		if w.IntN(6) == 0 {
			wrong = pick(w, misreadings)
		}
	}
	switch w.IntN(8) {
	case 0:
		text = strings.ReplaceAll(text, "\u00a0", " ")
	case 1:
		text = strings.ReplaceAll(text, "\u009d", "\ufffd")
	case 2:
		text = strings.ReplaceAll(text, "\u0080", "?")
	case 3:
		runes := []rune(text)
		text = string(runes[:w.IntN(len(runes)+1)])
	case 4:
		text += pick(w, []string{"í\u00a0½í¸\u0080", "í ½í¸\u008d", "À\u0080", "À\n", "é", "“", "\u0085", "�", "в„ў"})
	}
	return text
}

// misread reads the UTF-8 of text in another encoding; bytes that it lacks are read as Latin-1.
func misread(text string, wrong *charmap.Charmap) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		r := wrong.DecodeByte(c)
		if r == unicode.ReplacementChar {
			r = rune(c)
		}
		b.WriteRune(r)
	}
	return b.String()
}

func (w *writer) controls() string {
	var b strings.Builder
	for range 1 + w.IntN(6) {
		b.WriteString(pick(w, []string{
			"red", "\x1b[31m", "\x1b[0m", "\x1b[1;3２m", "\x1b[38;5;", "\x1b", "\x00", "\x07", "\x1a", "\x7f", "\u0081", "\u0085", "\u009d",
			"\u206a", "\u200d", "\u200e", "\ufff9", "\ufffc", "\ufeff", "\ufffd", "\u00ad", "\u2060", "\U000e0041", "\x1c", "\x1e",
		}))
	}
	return b.String()
}

func (w *writer) numbers() string {
	return fmt.Sprintf(pick(w, []string{"%d", "%d.%d", "-%d°C %d", "%d/%d", "１%d２%d", "٣%d٤%d", "%d²%d³", "Ⅷ%d½%d①", "%dª%dº", "%x%d"}), w.IntN(100000), w.IntN(1000))
}

func (w *writer) longWord() string {
	part := pick(w, []string{"a", "ab", "the", "supercalifragilistic", "水", "ха", "!", "!?", "=", "😀", "zz", "aaab", "é", "اﻟ"})
	size := 1 + w.IntN(60)
	switch w.IntN(64) {
	case 0, 1, 2, 3, 4, 5, 6, 7:
		size = 400
	case 8:
		size = 3000
	}
	return strings.Repeat(part, size)
}

func (w *writer) special() string {
	return pick(w, []string{
		"<|startoftext|>", "<|endoftext|>", "<|EndOfText|>", "a<|endoftext|>b", "!<|endoftext|>", "<|ſtartoftext|>", "<|endoftext|", "<|endoftext|><|endoftext|>",
		"&lt;|endoftext|&gt;", "<|ENDOFTEXT|>'s", "<|pad|>", "＜|endoftext|＞", "[CLS]", "<start_of_text>", "</w>", "a</w>",
	})
}

func (w *writer) forms() string {
	var b strings.Builder
	for range 1 + w.IntN(8) {
		switch w.IntN(4) {
		case 0:
			b.WriteRune(0xFF01 + rune(w.IntN(0xEE)))
		case 1:
			b.WriteRune(0xFB00 + rune(w.IntN(7)))
		case 2:
			b.WriteRune(pick(w, []rune("ŉǄǅǆǇǈǉǊǋǌǱǲǳĲĳſʼ‘’‚‛“”„‟′″«»‹›´`")))
		default:
			b.WriteRune(0x2000 + rune(w.IntN(0x70)))
		}
	}
	return b.String()
}

// anything is made of characters from all of Unicode.
func (w *writer) anything() string {
	tables := []*unicode.RangeTable{unicode.L, unicode.N, unicode.P, unicode.S, unicode.M, unicode.Z, unicode.Co, unicode.Cf}
	var b strings.Builder
	for range 1 + w.IntN(12) {
		b.WriteRune(w.from(pick(w, tables)))
	}
	return b.String()
}

// garble is made of the characters that mojibake is made of, in no order: hard cases for telling what is mojibake.
func (w *writer) garble() string {
	chars := []rune("ÂÃÎÐØÙàâãäåæçéêíðñóœŒŠšŸžŽƒˆ˜–—‘’‚“”„†‡•…‰‹›€™\u00a0¡¢£¤¥¦§¨©ª«¬\u00ad®¯°±²³´µ¶·¸¹º»¼½¾¿÷×ßþÞ" +
		"вГўВЂРСгїєѓћљњяАБЖабжΒΓΞΟαβγΆΈā€ĂăĹĽľłŁşŞţŢŤťźŹ√≈≤≥≠∂∆∏∑∞∫Ω◊╬═║╣└┐░▒▓█▄▀ﬁﬂ\ufffd?\x1a\u0080\u0081\u0085\u0090\u0098\u009d   aeiouzAZ.,!")
	var b strings.Builder
	for range 2 + w.IntN(12) {
		b.WriteRune(pick(w, chars))
	}
	return b.String()
}

// escaped is any other text as HTML source, escaped up to three times, with or without a tag.
func (w *writer) escaped() string {
	text := pick(w, []func() string{w.caption, w.script, w.marks, w.references, w.mojibake, w.special, w.forms})()
	if w.IntN(3) == 0 {
		text = pick(w, []string{"<p>" + text + "</p>", text + "<br/>", "<a href='?a=1&b=2'>" + text})
	}
	for range 1 + w.IntN(3) {
		text = html.EscapeString(text)
	}
	return text
}

// odd is made of what is no text: marks of direction, tags, private use, code points that are no characters or not yet.
func (w *writer) odd() string {
	var b strings.Builder
	for range 1 + w.IntN(8) {
		b.WriteString(pick(w, []string{
			"a", "水", "1", "\u202a", "\u202e", "\u2066", "\u2069", "\u200e", "\u061c", "\u180e", "\ufe0e", "\ufe0f", "\U000e0100", "\U000e007f", "\ue000", "\uf8ff",
			"\U000f0000", "\U0010fffd", "\ufdd0", "\ufffe", "\uffff", "\U0001ffff", "\u0378", "\u2fe0", "\U000e01f0", "\u3164", "\u115f", "\u2800", "\u034f",
		}))
	}
	return b.String()
}

// cased is text whose lower case depends on more than single letters.
func (w *writer) cased() string {
	var b strings.Builder
	for range 1 + w.IntN(6) {
		b.WriteString(pick(w, []string{
			"Σ", "ΟΔΟΣ", "ΣΑΣ", "aΣ", "Σ'", "Σ.", "'Σ", "Σ\u0301", "Σʼ", "aΣ\u00adb", "İ", "I", "ı", "İSTANBUL", "ẞ", "ß", "Ǆ", "ᾈ", "Ⓐ", "Ⅷ", "K", "Å", "𐐀", "Ა", "Ꭰ", " ",
			"ʰΣ", "Σʰ", "1Σ", "中Σ", "Ωmega",
		}))
	}
	return b.String()
}
