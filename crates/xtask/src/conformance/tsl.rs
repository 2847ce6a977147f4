//! The language in which OCaml's tests say how they are run: the `(* TEST … *)` block of a file, as far as it is syntax.
//!
//! # Source
//! `ocamltest/OCAMLTEST.org`, `tsl_lexer.mll` and `tsl_parser.mly` of OCaml 5.3. The form with stars, which 4.14 has, is
//! read into the same tree. Not here: what the words mean ([`super::case`]).

/// A block: what is done in order, and what is done after that, each from where this left off.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) statements: Vec<Statement>,
    pub(super) blocks: Vec<Self>,
}

/// Something said in a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Statement {
    /// `name = "value"`
    Set(String, String),
    /// `name += "value"`
    Append(String, String),
    /// `set NAME = "value"`: of the environment.
    Export(String, String),
    /// `unset NAME`
    Unset(String),
    /// `include name`
    Include(String),
    /// A test, condition or action, `with` what is included for it.
    Test(String, Vec<String>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Stars(usize),
    Mark(&'static str),
}

/// The block of a test's source; none if it is no test.
pub(super) fn parse(source: &str) -> Option<Result<Block, String>> {
    let start = source.trim_start();
    let text = if start.starts_with("(* TEST_BELOW") {
        let rest = start.get(1..)?;
        rest.get(rest.find("(* TEST")? + "(* TEST".len()..)?
    } else {
        start.strip_prefix("(* TEST")?
    };
    let tokens = match tokens(text) {
        Ok(tokens) => tokens,
        Err(error) => return Some(Err(error)),
    };
    let mut parser = Parser { tokens: &tokens };
    let old = tokens.iter().any(|token| matches!(token, Token::Stars(_)))
        || !tokens.iter().any(|token| matches!(token, Token::Mark(";" | "{")));
    Some(if old { parser.starred() } else { parser.block(true) })
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        if rest.starts_with("*)") {
            return Ok(tokens);
        }
        if let Some(comment) = rest.strip_prefix("(*") {
            rest = after_comment(comment).ok_or("a comment does not end")?;
        } else if let Some(string) = rest.strip_prefix('"') {
            let (text, after) = string_of(string).ok_or("a string does not end")?;
            tokens.push(Token::Text(text));
            rest = after;
        } else if let Some(mark) = ["+=", "=", ";", "{", "}", ","].into_iter().find(|mark| rest.starts_with(mark)) {
            tokens.push(Token::Mark(mark));
            rest = rest.get(mark.len()..).unwrap_or_default();
        } else if rest.starts_with('*') {
            let after = rest.trim_start_matches('*');
            let stars = rest.len() - after.len();
            let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (number, after) = after.split_at(digits);
            tokens.push(Token::Stars(number.parse().unwrap_or(stars)));
            rest = after;
        } else {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || "_-.'".contains(c))).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            if word.is_empty() {
                return Err(format!("`{}` is no word", rest.chars().next().unwrap_or(' ')));
            }
            tokens.push(Token::Word(word.to_owned()));
            rest = after;
        }
    }
}

fn after_comment(text: &str) -> Option<&str> {
    let (mut depth, mut rest) = (1, text);
    while depth > 0 {
        let at = rest.find("(*").into_iter().chain(rest.find("*)")).min()?;
        if rest.get(at..)?.starts_with("(*") {
            depth += 1;
        } else {
            depth -= 1;
        }
        rest = rest.get(at + 2..)?;
    }
    Some(rest)
}

/// The text of a string, and what follows it. Backslashes are ignored but at the end of a line, which they join to the
/// next one, whose first blanks are left out but for one after a backslash.
fn string_of(text: &str) -> Option<(String, &str)> {
    let (mut done, mut rest) = (String::new(), text);
    loop {
        let at = rest.find(['"', '\\'])?;
        done.push_str(rest.get(..at)?);
        let mark = rest.get(at..)?;
        if let Some(after) = mark.strip_prefix('"') {
            return Some((done, after));
        }
        rest = mark.get(1..)?;
        if let Some(line) = rest.strip_prefix('\n') {
            rest = line.trim_start_matches([' ', '\t']);
            if let Some(blank) = rest.strip_prefix("\\ ") {
                done.push(' ');
                rest = blank;
            }
        } else {
            done.push('\\');
        }
    }
}

struct Parser<'t> {
    tokens: &'t [Token],
}

impl Parser<'_> {
    fn next(&mut self) -> Option<&Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    fn take(&mut self, mark: &str) -> bool {
        let is = matches!(self.tokens.first(), Some(Token::Mark(found)) if *found == mark);
        if is {
            self.next();
        }
        is
    }

    /// `statement; … { block } …`
    fn block(&mut self, outermost: bool) -> Result<Block, String> {
        let mut block = Block::default();
        loop {
            if self.take("{") {
                block.blocks.push(self.block(false)?);
            } else if self.take("}") {
                return if outermost { Err("a brace too many".to_owned()) } else { Ok(block) };
            } else if self.tokens.is_empty() {
                return if outermost { Ok(block) } else { Err("a brace is missing".to_owned()) };
            } else {
                let statement = self.statement()?;
                // Blocks that are followed by something are done before it.
                if !block.blocks.is_empty() {
                    return Err("something is said after blocks".to_owned());
                }
                block.statements.push(statement);
                if !self.take(";") {
                    return Err("`;` is missing".to_owned());
                }
            }
        }
    }

    fn statement(&mut self) -> Result<Statement, String> {
        let word = self.word()?;
        Ok(match word.as_str() {
            "include" => Statement::Include(self.word()?),
            "unset" => Statement::Unset(self.word()?),
            "set" => {
                let name = self.word()?;
                if !self.take("=") {
                    return Err("`set` wants `=`".to_owned());
                }
                Statement::Export(name, self.text()?)
            }
            _ if self.take("=") => Statement::Set(word, self.text()?),
            _ if self.take("+=") => Statement::Append(word, self.text()?),
            _ => Statement::Test(word, self.modifiers()?),
        })
    }

    fn modifiers(&mut self) -> Result<Vec<String>, String> {
        let mut modifiers = Vec::new();
        if self.tokens.first() == Some(&Token::Word("with".to_owned())) {
            self.next();
            modifiers.push(self.word()?);
            while self.take(",") {
                modifiers.push(self.word()?);
            }
        }
        Ok(modifiers)
    }

    fn word(&mut self) -> Result<String, String> {
        match self.next() {
            Some(Token::Word(word)) => Ok(word.clone()),
            other => Err(format!("a word is expected, not {other:?}")),
        }
    }

    fn text(&mut self) -> Result<String, String> {
        match self.next() {
            Some(Token::Text(text)) => Ok(text.clone()),
            other => Err(format!("a string is expected, not {other:?}")),
        }
    }

    /// The old form: tests behind stars that say how deep they are; what is said after a test is said before it is done.
    fn starred(&mut self) -> Result<Block, String> {
        self.below(0, Vec::new())
    }

    fn below(&mut self, depth: usize, mut first: Vec<Statement>) -> Result<Block, String> {
        let test = first.pop();
        while !matches!(self.tokens.first(), None | Some(Token::Stars(_))) {
            first.push(self.statement()?);
        }
        first.extend(test);
        let mut block = Block { statements: first, blocks: Vec::new() };
        while let Some(Token::Stars(deeper)) = self.tokens.first() {
            let deeper = *deeper;
            if deeper <= depth {
                break;
            }
            self.next();
            let name = self.word()?;
            let test = Statement::Test(name, self.modifiers()?);
            block.blocks.push(self.below(deeper, vec![test])?);
        }
        Ok(block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(name: &str) -> Statement {
        Statement::Test(name.to_owned(), Vec::new())
    }

    fn set(name: &str, value: &str) -> Statement {
        Statement::Set(name.to_owned(), value.to_owned())
    }

    fn leaf(statements: Vec<Statement>) -> Block {
        Block { statements, blocks: Vec::new() }
    }

    #[test]
    fn both_forms_are_one() {
        let new = "(* TEST\n include unix;\n flags = \"-g\";\n hasunix; (* why *)\n {\n bytecode;\n }{\n native;\n }\n*)\nlet x = 1";
        let new = parse(new).unwrap().unwrap();
        assert_eq!(new.statements, [Statement::Include("unix".to_owned()), set("flags", "-g"), test("hasunix")]);
        assert_eq!(new.blocks, [leaf(vec![test("bytecode")]), leaf(vec![test("native")])]);
        let old =
            "(* TEST\nflags = \"-g\"\n* hasunix\ninclude unix\n** bytecode\n** native with str, unix\nx = \"y\"\n*)";
        let old = parse(old).unwrap().unwrap();
        assert_eq!(old.statements, [set("flags", "-g")]);
        assert_eq!(old.blocks[0].statements, [Statement::Include("unix".to_owned()), test("hasunix")]);
        let native = Statement::Test("native".to_owned(), vec!["str".to_owned(), "unix".to_owned()]);
        assert_eq!(old.blocks[0].blocks, [leaf(vec![test("bytecode")]), leaf(vec![set("x", "y"), native])]);
    }

    #[test]
    fn strings_comments_and_places() {
        let block = parse(
            "(* TEST\n script = \"a\\\\\n   \\ b \\d\"; (* x (* y *) *)\n set A = \"1\"; f += \"2\"; unset B;\n*)",
        )
        .unwrap();
        let said = |value: &str| value.to_owned();
        assert_eq!(
            block.unwrap().statements,
            [
                set("script", "a\\ b \\d"),
                Statement::Export(said("A"), said("1")),
                Statement::Append(said("f"), said("2")),
                Statement::Unset(said("B"))
            ]
        );
        assert_eq!(
            parse("(* TEST_BELOW\n filler *)\nlet x = 1\n(* TEST\n native;\n*)").unwrap().unwrap(),
            leaf(vec![test("native")])
        );
        assert_eq!(parse("(* TEST *)").unwrap().unwrap(), Block::default());
        assert_eq!(parse("let x = 1"), None);
        assert!(parse("(* TEST\n native\n { bytecode; }\n*)").unwrap().is_err());
        assert!(parse("(* TEST\n a = ;\n*)").unwrap().is_err());
    }
}
