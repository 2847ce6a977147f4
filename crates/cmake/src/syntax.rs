//! CMake's grammar: a text becomes commands with arguments.
//!
//! # Source
//! cmake-language(7). Not here: what a command does, and references to variables ([`crate::evaluate`]).

use std::ops::Range;

use crate::error::Fault;

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// In lower case: CMake does not tell them apart.
    pub name: String,
    /// Where the whole of it is.
    pub span: Range<usize>,
    /// What is between its parentheses; inner parentheses are arguments.
    pub arguments: Vec<Argument>,
}

/// An argument as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// Without quotes or brackets; references and escapes as they are.
    pub text: String,
    /// How it is written.
    pub form: Form,
    /// Where it is.
    pub span: Range<usize>,
}

/// How an argument is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `[[…]]`: nothing in it means anything.
    Bracket,
    /// `"…"`: one value.
    Quoted,
    /// Neither: a list of values.
    Plain,
    /// A parenthesis of its own.
    Parenthesis,
}

/// The commands of a text.
///
/// # Errors
/// The first mistake, and where it is.
pub fn parse(text: &str) -> Result<Vec<Command>, (Range<usize>, Fault)> {
    let mut reader = Reader { text, at: 0 };
    let mut commands = Vec::new();
    loop {
        reader.skip_space()?;
        if reader.at >= text.len() {
            return Ok(commands);
        }
        commands.push(reader.command()?);
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

type Read<T> = Result<T, (Range<usize>, Fault)>;

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Passes characters while they are wanted.
    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|c| !wanted(c)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    fn skip_space(&mut self) -> Read<()> {
        loop {
            self.take_while(char::is_whitespace);
            if self.at == 0 && self.rest().starts_with('\u{feff}') {
                self.at += '\u{feff}'.len_utf8();
            } else if self.rest().starts_with('#') {
                self.at += 1;
                if self.bracket()?.is_none() {
                    self.take_while(|c| c != '\n');
                }
            } else {
                return Ok(());
            }
        }
    }

    fn command(&mut self) -> Read<Command> {
        let start = self.at;
        let name = self.take_while(|c| c.is_ascii_alphanumeric() || c == '_').to_ascii_lowercase();
        self.take_while(|c| c == ' ' || c == '\t');
        if name.is_empty() || self.peek() != Some('(') {
            return Err((start..self.at.max(start + 1).min(self.text.len()), Fault::NotACommand));
        }
        self.at += 1;
        let mut arguments = Vec::new();
        let mut depth = 0_usize;
        loop {
            self.skip_space()?;
            let from = self.at;
            let (text, form) = match self.peek() {
                None => return Err((start..self.at, Fault::Parenthesis)),
                Some(')') if depth == 0 => {
                    self.at += 1;
                    return Ok(Command { name, span: start..self.at, arguments });
                }
                Some(paren @ ('(' | ')')) => {
                    depth = if paren == '(' { depth + 1 } else { depth - 1 };
                    self.at += 1;
                    (paren.to_string(), Form::Parenthesis)
                }
                Some('"') => (self.quoted()?, Form::Quoted),
                Some('[') => match self.bracket()? {
                    Some(text) => (text.to_owned(), Form::Bracket),
                    None => (self.plain()?, Form::Plain),
                },
                Some(_) => (self.plain()?, Form::Plain),
            };
            arguments.push(Argument { text, form, span: from..self.at });
        }
    }

    /// `[==[…]==]`, if one begins here. A newline right after the opening is not part of it.
    fn bracket(&mut self) -> Read<Option<&'t str>> {
        let Some(rest) = self.rest().strip_prefix('[') else { return Ok(None) };
        let equals = rest.len() - rest.trim_start_matches('=').len();
        let Some(inner) = rest.get(equals..).and_then(|rest| rest.strip_prefix('[')) else { return Ok(None) };
        let end = format!("]{}]", "=".repeat(equals));
        let Some(length) = inner.find(&end) else { return Err((self.at..self.text.len(), Fault::Unterminated)) };
        self.at += equals + 2 + length + end.len();
        let text = inner.get(..length).unwrap_or_default();
        Ok(Some(text.strip_prefix('\n').unwrap_or(text)))
    }

    fn quoted(&mut self) -> Read<String> {
        let start = self.at;
        let mut escaped = false;
        let mut chars = self.rest().char_indices().skip(1);
        let end = chars.find(|(_, c)| {
            let ends = *c == '"' && !escaped;
            escaped = *c == '\\' && !escaped;
            ends
        });
        let Some((end, _)) = end else { return Err((start..self.text.len(), Fault::Unterminated)) };
        let text = self.rest().get(1..end).unwrap_or_default();
        self.at += end + 1;
        // A backslash at the end of a line joins it with the next one.
        Ok(text.replace("\\\n", ""))
    }

    /// An argument without quotes; old files have quotes in the middle (`-Da="b c"`) and references to make's variables.
    fn plain(&mut self) -> Read<String> {
        let start = self.at;
        let mut text = String::new();
        while let Some(c) = self.peek() {
            match c {
                c if c.is_whitespace() || matches!(c, '(' | ')' | '#') => break,
                '"' if self.at > start => {
                    let inner = self.quoted()?;
                    text.extend(["\"", &inner, "\""]);
                }
                '"' => break,
                '\\' => {
                    let pair: String = self.rest().chars().take(2).collect();
                    self.at += pair.len();
                    text.push_str(&pair);
                }
                '$' if self.rest().starts_with("$(") => {
                    let length = self.rest().find(')').ok_or((start..self.text.len(), Fault::Reference))? + 1;
                    text.push_str(self.rest().get(..length).unwrap_or_default());
                    self.at += length;
                }
                c => {
                    text.push(c);
                    self.at += c.len_utf8();
                }
            }
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str) -> String {
        let commands = parse(text).unwrap();
        let argument = |argument: &Argument| format!("{}{:?}", argument.text, argument.form);
        let command = |command: &Command| {
            format!("{}: {}", command.name, command.arguments.iter().map(argument).collect::<Vec<_>>().join(" "))
        };
        commands.iter().map(command).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn forms_of_arguments() {
        assert_eq!(shown("SET(a b)# x\nset (a \"b c\\\"\" )"), "set: aPlain bPlain\nset: aPlain b c\\\"Quoted");
        assert_eq!(shown("set(a [==[ ]] ${x}\n]==])"), "set: aPlain  ]] ${x}\nBracket");
        assert_eq!(shown("#[[ a\n) ]] if((a) OR b)"), "if: (Parenthesis aPlain )Parenthesis ORPlain bPlain");
        assert_eq!(shown("f(-Da=\"b c\" $(X Y) a\\ b [x])"), "f: -Da=\"b c\"Plain $(X Y)Plain a\\ bPlain [x]Plain");
        assert_eq!(shown("f(\"a\\\nb\")"), "f: abQuoted");
        assert_eq!(shown("f(a\"b\")"), "f: a\"b\"Plain");
        assert_eq!(shown(""), "");
    }

    #[test]
    fn mistakes_have_a_place() {
        for (text, span, fault) in [
            ("set(a \"b)", 6..9, Fault::Unterminated),
            ("set(a [[b)", 6..10, Fault::Unterminated),
            ("\n set(a", 2..7, Fault::Parenthesis),
            ("x = 1", 0..2, Fault::NotACommand),
            ("set(a))", 6..7, Fault::NotACommand),
        ] {
            assert_eq!(parse(text), Err((span, fault)), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in r#"([a-z(){}\[\]="\\$#; \n]|é|set\(|\$\{)*"#) {
            if let Err((span, _)) = parse(&text) {
                prop_assert!(span.start <= span.end && span.end <= text.len());
            }
        }
    }
}
