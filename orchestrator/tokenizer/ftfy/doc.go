// Package ftfy repairs text as the Python package ftfy 6.3 does by default, and resolves HTML character references as
// Python's html.unescape does. CLIP's reference tokenizer passes every text through both, so token ids are only right
// when they are.
//
// Fix undoes mojibake (UTF-8 that was read in a one-byte encoding, up to several times over), HTML entities, curly
// quotes, Latin ligatures, half and full width forms, foreign line breaks, terminal escapes and stray control
// characters, and composes to NFC:
//
//	ftfy.Fix("The Mona Lisa doesnÃƒÂ¢Ã¢â€šÂ¬Ã¢â€žÂ¢t have eyebrows.") // "The Mona Lisa doesn't have eyebrows."
//
// All functions take valid UTF-8, are safe for concurrent use, keep nothing, and return their argument itself where
// there is nothing to repair.
//
// The package is not for guessing the encoding of bytes, and it has none of ftfy's options: only what its defaults do.
//
// Known differences from the Python package:
//
//   - Text with more than 128 layers of escaping or mojibake keeps the layers beyond ("&amp;amp;amp;..." 129 deep):
//     the reference peels one layer a pass for as long as it takes, which is quadratic.
//   - A decimal character reference of more than 4,300 digits, where Python raises ValueError, is U+FFFD as any other
//     number beyond Unicode.
//   - Canonical order and composition, and what counts as a word character or a digit, follow the Unicode version of
//     Go's tables; Python's follow its own. They differ only in characters that one of the two does not know yet, as
//     U+10EFD, a mark of Unicode 15 that Python 3.11 (Unicode 14) does not put in order.
//   - Surrogates cannot occur in valid UTF-8, so the step that joins them is not there.
//
// The character categories, encodings and entity names are data taken from ftfy (Apache License 2.0) and Python by
// testdata/tables.py of the tokenizer package.
package ftfy
