//! Bytes to tokens. Not here: which tokens may follow each other.
//!
//! The longest token wins, as in opam's lexer: `ocaml:native` and `a+b:installed` are one identifier, `123a` too.

use super::{EnvOp, RelOp};
use crate::error::{Error, Fault, Span};

/// A token of the format.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token<'a> {
    Ident(&'a str),
    String(String),
    Bool(bool),
    Int(i64),
    Colon,
    OpenBrace,
    CloseBrace,
    OpenBracket,
    CloseBracket,
    OpenParen,
    CloseParen,
    Rel(RelOp),
    Env(EnvOp),
    And,
    Or,
    Not,
    Defined,
    End,
}

impl Token<'_> {
    /// For "found …".
    pub(super) fn describe(&self) -> &'static str {
        match self {
            Token::Ident(_) => "a name",
            Token::String(_) => "a string",
            Token::Bool(_) => "a truth value",
            Token::Int(_) => "a number",
            Token::Colon => "`:`",
            Token::OpenBrace => "`{`",
            Token::CloseBrace => "`}`",
            Token::OpenBracket => "`[`",
            Token::CloseBracket => "`]`",
            Token::OpenParen => "`(`",
            Token::CloseParen => "`)`",
            Token::Rel(_) => "a comparison",
            Token::Env(_) => "an update",
            Token::And => "`&`",
            Token::Or => "`|`",
            Token::Not => "`!`",
            Token::Defined => "`?`",
            Token::End => "the end of the file",
        }
    }
}

/// Reads one token after another.
pub(super) struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
    /// Whether a string or comment without end was seen: the second one takes the rest, so time stays linear.
    unclosed: bool,
    pub(super) errors: Vec<Error>,
}

/// A token, its place, and whether it is the first of its line.
pub(super) struct Lexed<'a> {
    pub(super) token: Token<'a>,
    pub(super) span: Span,
    pub(super) opens_line: bool,
}

fn is_ident(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        // A byte order mark is no token; editors leave it.
        let at = if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        Self { text, at, unclosed: false, errors: Vec::new() }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.get(self.at + ahead).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn error(&mut self, start: usize, fault: Fault) {
        self.errors.push(Error::new(Span::new(start, self.at), fault));
    }

    /// The next token; [`Token::End`] for ever at the end.
    pub(super) fn next(&mut self) -> Lexed<'a> {
        let mut opens_line = self.at == 0;
        loop {
            let start = self.at;
            let Some(byte) = self.peek(0) else {
                return Lexed { token: Token::End, span: Span::new(start, start), opens_line: true };
            };
            match byte {
                b'\n' => {
                    opens_line = true;
                    self.at += 1;
                }
                b' ' | b'\t' | b'\r' => self.at += 1,
                b'#' => self.at += self.rest().iter().position(|&byte| byte == b'\n').unwrap_or(self.rest().len()),
                b'(' if self.peek(1) == Some(b'*') => self.comment(),
                _ => {
                    if let Some(token) = self.token(byte) {
                        return Lexed { token, span: Span::new(start, self.at), opens_line };
                    }
                }
            }
        }
    }

    /// After something that never closes: goes on at the next line, the second time at the end.
    fn recover(&mut self, start: usize, fault: Fault) {
        self.at = self.text.len();
        self.error(start, fault);
        if !std::mem::replace(&mut self.unclosed, true) {
            let rest = self.text.get(start..).unwrap_or_default();
            self.at = start + rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
        }
    }

    fn comment(&mut self) {
        let start = self.at;
        self.at += 2;
        let mut depth = 1_usize;
        while depth > 0 {
            match (self.peek(0), self.peek(1)) {
                (Some(b'('), Some(b'*')) => {
                    depth += 1;
                    self.at += 2;
                }
                (Some(b'*'), Some(b')')) => {
                    depth -= 1;
                    self.at += 2;
                }
                (Some(_), _) => self.at += 1,
                (None, _) => return self.recover(start, Fault::UnclosedComment),
            }
        }
    }

    fn take(&mut self, bytes: usize, token: Token<'a>) -> Option<Token<'a>> {
        self.at += bytes;
        Some(token)
    }

    /// The token that starts with `byte`; nothing if it is no token, and that is then reported and stepped over.
    fn token(&mut self, byte: u8) -> Option<Token<'a>> {
        let next = self.peek(1);
        match byte {
            b'{' => self.take(1, Token::OpenBrace),
            b'}' => self.take(1, Token::CloseBrace),
            b'[' => self.take(1, Token::OpenBracket),
            b']' => self.take(1, Token::CloseBracket),
            b'(' => self.take(1, Token::OpenParen),
            b')' => self.take(1, Token::CloseParen),
            b'&' => self.take(1, Token::And),
            b'|' => self.take(1, Token::Or),
            b'?' => self.take(1, Token::Defined),
            b'!' if next == Some(b'=') => self.take(2, Token::Rel(RelOp::Ne)),
            b'!' => self.take(1, Token::Not),
            b'>' if next == Some(b'=') => self.take(2, Token::Rel(RelOp::Ge)),
            b'>' => self.take(1, Token::Rel(RelOp::Gt)),
            b'<' if next == Some(b'=') => self.take(2, Token::Rel(RelOp::Le)),
            b'<' => self.take(1, Token::Rel(RelOp::Lt)),
            b'~' => self.take(1, Token::Rel(RelOp::Ge)),
            b'=' if next == Some(b'+') && self.peek(2) == Some(b'=') => self.take(3, Token::Env(EnvOp::Replace)),
            b'=' if next == Some(b'+') => self.take(2, Token::Env(EnvOp::Append)),
            b'=' if next == Some(b':') => self.take(2, Token::Env(EnvOp::AppendColon)),
            b'=' => self.take(1, Token::Rel(RelOp::Eq)),
            b'+' if next == Some(b'=') => self.take(2, Token::Env(EnvOp::Prepend)),
            b':' if next == Some(b'=') => self.take(2, Token::Env(EnvOp::PrependColon)),
            b':' => self.take(1, Token::Colon),
            b'"' => self.string(),
            _ if is_ident(byte) => self.word(),
            _ => self.nonsense(),
        }
    }

    /// Reports a run of bytes that start no token, as one error.
    fn nonsense(&mut self) -> Option<Token<'a>> {
        let start = self.at;
        let nonsense = |byte: &u8| *byte >= 0x80 || byte.is_ascii_control() && !b" \t\r\n".contains(byte);
        self.at += self.rest().iter().take_while(|byte| nonsense(byte)).count().max(1);
        let text = self.text.get(start..self.at).unwrap_or_default();
        let shown: String = String::from_utf8_lossy(text).chars().take(20).collect();
        self.error(start, Fault::Character(shown.escape_default().to_string()));
        None
    }

    /// Length of the run of identifier bytes `ahead` of here, if it may be a name: it has a letter, or is `_`.
    fn name_length(&self, ahead: usize, underscore: bool) -> Option<usize> {
        let rest = self.text.get(self.at + ahead..).unwrap_or_default();
        let length = rest.iter().take_while(|byte| is_ident(**byte)).count();
        let run = rest.get(..length).unwrap_or_default();
        (run.iter().any(u8::is_ascii_alphabetic) || underscore && run == b"_").then_some(length)
    }

    fn word(&mut self) -> Option<Token<'a>> {
        let start = self.at;
        let Some(mut length) = self.name_length(0, true) else { return self.number() };
        while self.peek(length) == Some(b'+')
            && let Some(more) = self.name_length(length + 1, true)
        {
            length += 1 + more;
        }
        if self.peek(length) == Some(b':')
            && let Some(more) = self.name_length(length + 1, false)
        {
            length += 1 + more;
        }
        self.at += length;
        // Identifiers are ASCII by what was scanned.
        let text = std::str::from_utf8(self.text.get(start..self.at).unwrap_or_default()).unwrap_or_default();
        Some(match text {
            "true" => Token::Bool(true),
            "false" => Token::Bool(false),
            _ => Token::Ident(text),
        })
    }

    /// `-?[0-9_]+`, of which `_` alone is a name and never comes here.
    fn number(&mut self) -> Option<Token<'a>> {
        let start = self.at;
        self.at += usize::from(self.peek(0) == Some(b'-'));
        self.at += self.rest().iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'_').count();
        let text = std::str::from_utf8(self.text.get(start..self.at).unwrap_or_default()).unwrap_or_default();
        if !text.contains(|c: char| c.is_ascii_digit()) {
            self.at = self.at.max(start + 1);
            self.error(start, Fault::Character(text.to_owned()));
            return None;
        }
        let Ok(number) = text.replace('_', "").parse() else {
            self.error(start, Fault::Number);
            return Some(Token::Int(0));
        };
        Some(Token::Int(number))
    }

    fn string(&mut self) -> Option<Token<'a>> {
        let start = self.at;
        let triple = self.rest().starts_with(b"\"\"\"");
        self.at += if triple { 3 } else { 1 };
        let mut value = Vec::new();
        loop {
            let plain = self.rest().iter().take_while(|byte| !b"\"\\\r".contains(byte)).count();
            value.extend_from_slice(self.rest().get(..plain).unwrap_or_default());
            self.at += plain;
            match self.peek(0) {
                None => {
                    self.recover(start, Fault::UnclosedString);
                    return Some(Token::String(String::new()));
                }
                Some(b'"') if !triple => {
                    self.at += 1;
                    break;
                }
                Some(b'"') if self.rest().starts_with(b"\"\"\"") => {
                    self.at += 3;
                    break;
                }
                Some(b'\\') => self.escape(&mut value),
                // A line ends in one character, however the file was saved.
                Some(b'\r') if self.peek(1) == Some(b'\n') => self.at += 1,
                Some(byte) => {
                    value.push(byte);
                    self.at += 1;
                }
            }
        }
        Some(Token::String(String::from_utf8(value).unwrap_or_else(|error| {
            self.error(start, Fault::NotUtf8);
            String::from_utf8_lossy(error.as_bytes()).into_owned()
        })))
    }

    /// What a backslash and what follows it mean; an unknown escape is reported and stands for itself.
    fn escape(&mut self, value: &mut Vec<u8>) {
        let start = self.at;
        self.at += 1;
        let digit = |byte: Option<u8>, radix| byte.and_then(|byte| char::from(byte).to_digit(radix));
        let (next, after) = (self.peek(0), self.peek(1));
        match next {
            Some(b'\n') => self.skip_line(1),
            Some(b'\r') if after == Some(b'\n') => self.skip_line(2),
            Some(byte @ (b'\\' | b'"' | b'\'' | b' ' | b'n' | b'r' | b't' | b'b')) => {
                self.at += 1;
                value.push(match byte {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 8,
                    other => other,
                });
            }
            _ => {
                let hexadecimal = || Some(digit(after, 16)? * 16 + digit(self.peek(2), 16)?);
                let decimal = || Some(digit(next, 10)? * 100 + digit(after, 10)? * 10 + digit(self.peek(2), 10)?);
                let code = if next == Some(b'x') { hexadecimal() } else { decimal() };
                if let Some(byte) = code.and_then(|code| u8::try_from(code).ok()) {
                    self.at += 3;
                    value.push(byte);
                } else {
                    self.error(start, Fault::Escape);
                    value.push(b'\\');
                }
            }
        }
    }

    /// Over a line's end of `bytes` and the blanks that open the next line.
    fn skip_line(&mut self, bytes: usize) {
        self.at += bytes;
        self.at += self.rest().iter().take_while(|byte| b" \t".contains(byte)).count();
    }
}
