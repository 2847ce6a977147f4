//! Tokens to fields, sections and values, going on at the next field after an error. Not here: what they mean.

use super::lexer::{Lexed, Lexer, Token};
use super::{EnvOp, Field, File, Item, MAX_DEPTH, RelOp, Section, Value, ValueKind};
use crate::error::{Error, Fault, Span};

/// A value could not be read; the error is already noted.
struct Failed;

type Parsed<T> = Result<T, Failed>;

struct Parser<'a> {
    lexer: Lexer<'a>,
    token: Lexed<'a>,
    /// Where the last token that was taken ended.
    end: Span,
    depth: usize,
    errors: Vec<Error>,
}

pub(super) fn parse(text: &[u8]) -> (File, Vec<Error>) {
    let mut lexer = Lexer::new(text);
    let token = lexer.next();
    let mut parser = Parser { lexer, token, end: Span::default(), depth: 0, errors: Vec::new() };
    let mut items = Vec::new();
    loop {
        parser.items(&mut items);
        if parser.token.token == Token::End {
            break;
        }
        // A brace that closes nothing.
        parser.unexpected("a field");
        parser.advance();
    }
    let mut errors = parser.errors;
    errors.append(&mut parser.lexer.errors);
    errors.sort_by_key(|error| error.span.start);
    (File { items }, errors)
}

impl<'a> Parser<'a> {
    fn advance(&mut self) -> Token<'a> {
        let next = self.lexer.next();
        let taken = std::mem::replace(&mut self.token, next);
        self.end = taken.span;
        taken.token
    }

    fn unexpected(&mut self, expected: &'static str) {
        let found = self.token.token.describe();
        self.errors.push(Error::new(self.token.span, Fault::Expected { expected, found }));
    }

    fn expect(&mut self, token: &Token<'_>, expected: &'static str) -> Parsed<()> {
        if self.token.token == *token {
            self.advance();
            return Ok(());
        }
        self.unexpected(expected);
        Err(Failed)
    }

    /// Counts one level of nesting while `read` reads it.
    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAX_DEPTH {
            self.errors.push(Error::new(self.token.span, Fault::Depth));
            return Err(Failed);
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// Items up to the end or a closing brace.
    fn items(&mut self, items: &mut Vec<Item>) {
        while !matches!(self.token.token, Token::End | Token::CloseBrace) {
            match self.item() {
                Ok(item) => items.push(item),
                Err(Failed) => self.skip_to_item(),
            }
        }
    }

    /// To what looks like the start of a field: a name that opens a line, or a brace that does.
    fn skip_to_item(&mut self) {
        loop {
            match self.token.token {
                Token::End => return,
                Token::Ident(_) | Token::CloseBrace if self.token.opens_line => return,
                _ => drop(self.advance()),
            }
        }
    }

    fn item(&mut self) -> Parsed<Item> {
        let start = self.token.span;
        let Token::Ident(name) = self.token.token else {
            self.unexpected("a field");
            // At least one token goes, or this would never end.
            self.advance();
            return Err(Failed);
        };
        self.advance();
        match self.token.token {
            Token::Colon => {
                self.advance();
                let value = self.value()?;
                Ok(Item::Field(Field { name: name.to_owned(), value, span: start.to(self.end) }))
            }
            Token::OpenBrace => self.section(name, None, start),
            Token::String(_) => {
                let Token::String(title) = self.advance() else { return Err(Failed) };
                self.section(name, Some(title), start)
            }
            _ => {
                self.unexpected("`:` or `{`");
                Err(Failed)
            }
        }
    }

    fn section(&mut self, kind: &str, name: Option<String>, start: Span) -> Parsed<Item> {
        self.expect(&Token::OpenBrace, "`{`")?;
        let mut items = Vec::new();
        self.nested(|parser| {
            parser.items(&mut items);
            Ok(())
        })?;
        // What was read of an unclosed section is kept: the error says enough.
        let _ = self.expect(&Token::CloseBrace, "`}`");
        Ok(Item::Section(Section { kind: kind.to_owned(), name, items, span: start.to(self.end) }))
    }

    fn value(&mut self) -> Parsed<Value> {
        self.chain(&Token::Or, ValueKind::Or, |parser| parser.chain(&Token::And, ValueKind::And, Self::unary))
    }

    /// `part` or several of them with `separator` between.
    fn chain(
        &mut self,
        separator: &Token<'_>,
        make: fn(Vec<Value>) -> ValueKind,
        part: impl Fn(&mut Self) -> Parsed<Value>,
    ) -> Parsed<Value> {
        let first = part(self)?;
        if self.token.token != *separator {
            return Ok(first);
        }
        let start = first.span;
        let mut parts = vec![first];
        while self.token.token == *separator {
            self.advance();
            parts.push(part(self)?);
        }
        Ok(Value { kind: make(parts), span: start.to(self.end) })
    }

    /// A prefix operator and its operand, or a primary value with the options after it.
    fn unary(&mut self) -> Parsed<Value> {
        let start = self.token.span;
        let make = match self.token.token {
            Token::Not => ValueKind::Not,
            Token::Defined => ValueKind::Defined,
            _ => return self.with_options(),
        };
        self.advance();
        let operand = self.nested(Self::unary)?;
        Ok(Value { kind: make(Box::new(operand)), span: start.to(self.end) })
    }

    fn with_options(&mut self) -> Parsed<Value> {
        let mut value = self.primary()?;
        let depth = self.depth;
        while self.token.token == Token::OpenBrace {
            // Each option wraps what precedes it, so each counts as a level.
            if self.depth >= MAX_DEPTH {
                self.errors.push(Error::new(self.token.span, Fault::Depth));
                self.depth = depth;
                return Err(Failed);
            }
            self.depth += 1;
            let start = value.span;
            self.advance();
            let options = self.values(&Token::CloseBrace, "`}`");
            let Ok(options) = options else {
                self.depth = depth;
                return Err(Failed);
            };
            value = Value { kind: ValueKind::Option(Box::new(value), options), span: start.to(self.end) };
        }
        self.depth = depth;
        Ok(value)
    }

    /// Values up to `close`, which is taken.
    fn values(&mut self, close: &Token<'_>, expected: &'static str) -> Parsed<Vec<Value>> {
        let mut values = Vec::new();
        while self.token.token != *close {
            if self.token.token == Token::End {
                self.unexpected(expected);
                return Err(Failed);
            }
            values.push(self.nested(Self::value)?);
        }
        self.advance();
        Ok(values)
    }

    fn primary(&mut self) -> Parsed<Value> {
        let start = self.token.span;
        let kind = match self.token.token {
            Token::OpenParen => {
                self.advance();
                ValueKind::Group(self.values(&Token::CloseParen, "`)`")?)
            }
            Token::OpenBracket => {
                self.advance();
                ValueKind::List(self.values(&Token::CloseBracket, "`]`")?)
            }
            Token::Rel(operator) => {
                self.advance();
                ValueKind::PrefixRelation(operator, Box::new(self.atom()?))
            }
            _ => return self.relation(),
        };
        Ok(Value { kind, span: start.to(self.end) })
    }

    fn relation(&mut self) -> Parsed<Value> {
        enum Operator {
            Rel(RelOp),
            Env(EnvOp),
        }
        let left = self.atom()?;
        let operator = match self.token.token {
            Token::Rel(operator) => Operator::Rel(operator),
            Token::Env(operator) => Operator::Env(operator),
            _ => return Ok(left),
        };
        self.advance();
        let start = left.span;
        let (left, right) = (Box::new(left), Box::new(self.atom()?));
        let kind = match operator {
            Operator::Rel(operator) => ValueKind::Relation(left, operator, right),
            Operator::Env(operator) => ValueKind::Update(left, operator, right),
        };
        Ok(Value { kind, span: start.to(self.end) })
    }

    fn atom(&mut self) -> Parsed<Value> {
        if !matches!(self.token.token, Token::Ident(_) | Token::String(_) | Token::Bool(_) | Token::Int(_)) {
            self.unexpected("a value");
            return Err(Failed);
        }
        let kind = match self.advance() {
            Token::Ident(name) => ValueKind::Ident(name.to_owned()),
            Token::String(text) => ValueKind::String(text),
            Token::Bool(value) => ValueKind::Bool(value),
            Token::Int(value) => ValueKind::Int(value),
            _ => return Err(Failed),
        };
        Ok(Value { kind, span: self.end })
    }
}
