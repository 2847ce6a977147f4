//! dune's S-expressions. Not here: what they mean, and comments other than `;`, which dune no longer has.

use crate::error::{Error, Fault, Span};
use crate::syntax::MAX_DEPTH;

/// An expression and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sexp {
    pub(super) kind: Kind,
    pub(super) span: Span,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// `word` or `"text"`
    Atom(String),
    /// `(a b)`
    List(Vec<Sexp>),
}

impl Sexp {
    /// An atom's text.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Atom(text) => Some(text),
            Kind::List(_) => None,
        }
    }

    /// The head and the rest of `(head …)`.
    pub(super) fn stanza(&self) -> Option<(&str, &[Self])> {
        match &self.kind {
            Kind::Atom(_) => None,
            Kind::List(parts) => {
                let (head, rest) = parts.split_first()?;
                Some((head.text()?, rest))
            }
        }
    }
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    errors: Vec<Error>,
}

/// The expressions in `text`. An open list is an error and ends with the text.
pub(super) fn parse(text: &[u8]) -> (Vec<Sexp>, Vec<Error>) {
    let mut reader = Reader { text, at: 0, errors: Vec::new() };
    // The lists that are open, each with where it opened; the outermost is the file.
    let mut open: Vec<(usize, Vec<Sexp>)> = vec![(0, Vec::new())];
    let mut too_deep = false;
    while let Some(byte) = reader.skip_blanks() {
        let start = reader.at;
        let done = match byte {
            b'(' => {
                reader.at += 1;
                if open.len() > MAX_DEPTH {
                    reader.error(start, Fault::Depth);
                    too_deep = true;
                    break;
                }
                open.push((start, Vec::new()));
                continue;
            }
            b')' => {
                reader.at += 1;
                match open.pop() {
                    Some((from, parts)) if !open.is_empty() => {
                        Sexp { kind: Kind::List(parts), span: Span::new(from, reader.at) }
                    }
                    outermost => {
                        open.extend(outermost);
                        reader.error(start, Fault::Expected { expected: "an expression", found: "`)`" });
                        continue;
                    }
                }
            }
            b'"' => reader.quoted(),
            _ => reader.word(),
        };
        if let Some((_, parts)) = open.last_mut() {
            parts.push(done);
        }
    }
    while open.len() > 1 {
        let Some((from, parts)) = open.pop() else { break };
        // One missing parenthesis is one error: of the outermost list.
        if open.len() == 1 && !too_deep {
            reader.at = text.len();
            reader.error(from, Fault::Expected { expected: "`)`", found: "the end of the file" });
        }
        let list = Sexp { kind: Kind::List(parts), span: Span::new(from, text.len()) };
        if let Some((_, parts)) = open.last_mut() {
            parts.push(list);
        }
    }
    (open.pop().map(|(_, parts)| parts).unwrap_or_default(), reader.errors)
}

impl Reader<'_> {
    fn error(&mut self, start: usize, fault: Fault) {
        self.errors.push(Error::new(Span::new(start, self.at), fault));
    }

    fn rest(&self) -> &[u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The first byte that is neither blank nor comment.
    fn skip_blanks(&mut self) -> Option<u8> {
        loop {
            match *self.rest().first()? {
                b';' => self.at += self.line_length(),
                byte if byte.is_ascii_whitespace() => self.at += 1,
                byte => return Some(byte),
            }
        }
    }

    /// How many bytes are left of this line, without its end.
    fn line_length(&self) -> usize {
        self.rest().iter().position(|&byte| byte == b'\n').unwrap_or(self.rest().len())
    }

    fn atom(&mut self, start: usize, bytes: Vec<u8>) -> Sexp {
        let text = String::from_utf8(bytes).unwrap_or_else(|error| {
            self.error(start, Fault::NotUtf8);
            String::from_utf8_lossy(error.as_bytes()).into_owned()
        });
        Sexp { kind: Kind::Atom(text), span: Span::new(start, self.at) }
    }

    fn word(&mut self) -> Sexp {
        let start = self.at;
        let ends = |byte: &u8| byte.is_ascii_whitespace() || b"()\";".contains(byte);
        self.at += self.rest().iter().position(ends).unwrap_or(self.rest().len());
        let bytes = self.text.get(start..self.at).unwrap_or_default().to_vec();
        self.atom(start, bytes)
    }

    fn quoted(&mut self) -> Sexp {
        let start = self.at;
        if self.rest().starts_with(b"\"\\|") || self.rest().starts_with(b"\"\\>") {
            return self.block();
        }
        self.at += 1;
        let mut bytes = Vec::new();
        loop {
            match self.rest() {
                [] => {
                    self.error(start, Fault::UnclosedString);
                    break;
                }
                [b'"', ..] => {
                    self.at += 1;
                    break;
                }
                [b'\\', ..] => self.escape(&mut bytes),
                [byte, ..] => {
                    bytes.push(*byte);
                    self.at += 1;
                }
            }
        }
        self.atom(start, bytes)
    }

    fn escape(&mut self, bytes: &mut Vec<u8>) {
        let start = self.at;
        let digit = |byte: u8, radix| char::from(byte).to_digit(radix);
        let decimal = |a: u8, b: u8, c: u8| Some(digit(a, 10)? * 100 + digit(b, 10)? * 10 + digit(c, 10)?);
        let hexadecimal = |a: u8, b: u8| Some(digit(a, 16)? * 16 + digit(b, 16)?);
        let (length, byte) = match *self.rest() {
            [_, b'\n', ..] => {
                self.at += 2;
                self.at += self.rest().iter().take_while(|byte| b" \t".contains(byte)).count();
                return;
            }
            [_, byte @ (b'\\' | b'"' | b'\'' | b'%'), ..] => (2, Some(byte)),
            [_, b'n', ..] => (2, Some(b'\n')),
            [_, b't', ..] => (2, Some(b'\t')),
            [_, b'r', ..] => (2, Some(b'\r')),
            [_, b'b', ..] => (2, Some(8)),
            [_, b'x', a, b, ..] => (4, hexadecimal(a, b).and_then(|code| u8::try_from(code).ok())),
            [_, a, b, c, ..] => (4, decimal(a, b, c).and_then(|code| u8::try_from(code).ok())),
            _ => (1, None),
        };
        if let Some(byte) = byte {
            self.at += length;
            bytes.push(byte);
        } else {
            self.at += 1;
            self.error(start, Fault::Escape);
            bytes.push(b'\\');
        }
    }

    /// `"\| text` up to its line's end, and the same on the lines after it. Escapes in `"\|` lines are left as they are: only descriptions are
    /// written so.
    fn block(&mut self) -> Sexp {
        let start = self.at;
        let mut bytes = Vec::new();
        loop {
            self.at += 3;
            self.at += usize::from(self.rest().first() == Some(&b' '));
            let length = self.line_length();
            bytes.extend_from_slice(self.rest().get(..length).unwrap_or_default());
            bytes.push(b'\n');
            self.at += length;
            let blanks = self.rest().iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            let next = self.rest().get(blanks..).unwrap_or_default();
            if !(next.starts_with(b"\"\\|") || next.starts_with(b"\"\\>")) {
                return self.atom(start, bytes);
            }
            self.at += blanks;
        }
    }
}
