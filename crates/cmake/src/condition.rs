//! The conditions of `if()`.
//!
//! # Source
//! cmake-commands(7), `if`, version 3.25, with policy CMP0054 (words in quotes are no keywords and no variables).

use crate::error::Fault;
use crate::evaluate::Evaluation;
use crate::syntax::Form;
use crate::unknown;

/// More parentheses than this nobody writes into each other.
const DEEPEST: usize = 64;

/// A word of a condition.
pub(crate) struct Term {
    pub(crate) text: String,
    pub(crate) form: Form,
}

/// Whether a condition holds.
pub(crate) fn holds(terms: &[Term], evaluation: &Evaluation<'_>) -> Result<bool, Fault> {
    let mut reading = Reading { terms, at: 0, depth: 0, evaluation };
    let holds = reading.any()?;
    if reading.at < terms.len() {
        return Err(reading.beyond());
    }
    Ok(holds)
}

/// What counts as true of a value.
pub(crate) fn is_true(value: &str) -> bool {
    !is_false(value)
}

fn is_false(value: &str) -> bool {
    let upper = value.to_ascii_uppercase();
    matches!(upper.as_str(), "" | "0" | "OFF" | "NO" | "FALSE" | "N" | "IGNORE" | "NOTFOUND")
        || upper.ends_with("-NOTFOUND")
}

struct Reading<'t, 'e, 'w> {
    terms: &'t [Term],
    at: usize,
    /// How many parentheses are open.
    depth: usize,
    evaluation: &'e Evaluation<'w>,
}

impl<'t> Reading<'t, '_, '_> {
    fn beyond(&self) -> Fault {
        let words: Vec<&str> = self.terms.iter().map(|term| term.text.as_str()).collect();
        Fault::Beyond(format!("if({})", unknown::shown(&words.join(" "))))
    }

    /// The keyword that comes next, if one does.
    fn keyword(&self) -> Option<&'t str> {
        let term = self.terms.get(self.at)?;
        matches!(term.form, Form::Plain | Form::Parenthesis).then_some(term.text.as_str())
    }

    /// A text that nothing unknown decides.
    fn known<'k>(&self, text: &'k str) -> Result<&'k str, Fault> {
        if unknown::first(text).is_some() { Err(self.beyond()) } else { Ok(text) }
    }

    fn pass(&mut self, keyword: &str) -> bool {
        let found = self.keyword() == Some(keyword);
        self.at += usize::from(found);
        found
    }

    fn any(&mut self) -> Result<bool, Fault> {
        let mut holds = self.all()?;
        while self.pass("OR") {
            holds |= self.all()?;
        }
        Ok(holds)
    }

    fn all(&mut self) -> Result<bool, Fault> {
        let mut holds = self.one()?;
        while self.pass("AND") {
            holds &= self.one()?;
        }
        Ok(holds)
    }

    fn one(&mut self) -> Result<bool, Fault> {
        let mut negated = false;
        while self.pass("NOT") {
            negated = !negated;
        }
        Ok(self.plain()? != negated)
    }

    /// One without `NOT`.
    fn plain(&mut self) -> Result<bool, Fault> {
        if self.pass("(") {
            self.depth += 1;
            if self.depth > DEEPEST {
                return Err(Fault::Nested);
            }
            let holds = self.any()?;
            self.depth -= 1;
            return if self.pass(")") { Ok(holds) } else { Err(self.beyond()) };
        }
        let variables = &self.evaluation.variables;
        match self.keyword() {
            Some("DEFINED") => {
                self.at += 1;
                let term = self.next()?;
                let name = self.known(&term.text)?;
                let environment = name.strip_prefix("ENV{").and_then(|name| name.strip_suffix('}'));
                let cache = name.strip_prefix("CACHE{").and_then(|name| name.strip_suffix('}'));
                return Ok(match environment {
                    Some(name) => self.evaluation.world.environment(name).is_some(),
                    None => variables.contains_key(cache.unwrap_or(name)),
                });
            }
            Some("EXISTS") => {
                self.at += 1;
                let term = self.next()?;
                let path = self.evaluation.absolute(self.known(&term.text)?);
                return Ok(self.evaluation.world.exists(&path));
            }
            Some("IS_DIRECTORY" | "COMMAND" | "POLICY" | "TARGET" | "TEST" | "IS_ABSOLUTE" | "IS_SYMLINK") => {
                return Err(self.beyond());
            }
            _ => {}
        }
        let left = self.next()?;
        let Some(operator) = self.keyword().filter(|word| OPERATORS.contains(word)) else {
            return self.value(left);
        };
        self.at += 1;
        let right = self.next()?;
        self.compare(self.meant(left)?, operator, right)
    }

    fn next(&mut self) -> Result<&'t Term, Fault> {
        let term = self.terms.get(self.at).ok_or_else(|| self.beyond())?;
        self.at += 1;
        Ok(term)
    }

    /// A word without quotes may be a variable's name.
    fn meant<'m>(&'m self, term: &'m Term) -> Result<&'m str, Fault> {
        let variable = self.evaluation.variables.get(&term.text).filter(|_| term.form == Form::Plain);
        self.known(variable.unwrap_or(&term.text))
    }

    /// Whether a word alone holds: a constant, or a variable with a value that is not false.
    fn value(&self, term: &Term) -> Result<bool, Fault> {
        self.known(&term.text)?;
        let upper = term.text.to_ascii_uppercase();
        if matches!(upper.as_str(), "1" | "ON" | "YES" | "TRUE" | "Y")
            || term.text.parse::<f64>().is_ok_and(|n| n != 0.0)
        {
            return Ok(true);
        }
        if is_false(&term.text) || term.form != Form::Plain {
            return Ok(false);
        }
        let value = self.evaluation.variables.get(&term.text).map_or("", String::as_str);
        Ok(is_true(self.known(value)?))
    }

    fn compare(&self, left: &str, operator: &str, right: &Term) -> Result<bool, Fault> {
        let order = match operator {
            "MATCHES" => return matches(left, self.known(&right.text)?).ok_or_else(|| self.beyond()),
            "IN_LIST" => {
                let list = self.known(self.evaluation.variables.get(&right.text).map_or("", String::as_str))?;
                return Ok(list.split(';').any(|item| item == left));
            }
            _ if operator.starts_with("STR") => left.cmp(self.meant(right)?),
            _ if operator.starts_with("VERSION_") => version(left).cmp(&version(self.meant(right)?)),
            _ => match (left.trim().parse::<i64>(), self.meant(right)?.trim().parse::<i64>()) {
                (Ok(left), Ok(right)) => left.cmp(&right),
                _ => return Ok(false),
            },
        };
        let relation = operator.trim_start_matches("VERSION_").trim_start_matches("STR");
        Ok(match relation {
            "EQUAL" => order.is_eq(),
            "LESS" => order.is_lt(),
            "GREATER" => order.is_gt(),
            "LESS_EQUAL" => order.is_le(),
            _ => order.is_ge(),
        })
    }
}

const OPERATORS: &[&str] = &[
    "EQUAL",
    "GREATER",
    "GREATER_EQUAL",
    "IN_LIST",
    "LESS",
    "LESS_EQUAL",
    "MATCHES",
    "STREQUAL",
    "STRGREATER",
    "STRGREATER_EQUAL",
    "STRLESS",
    "STRLESS_EQUAL",
    "VERSION_EQUAL",
    "VERSION_GREATER",
    "VERSION_GREATER_EQUAL",
    "VERSION_LESS",
    "VERSION_LESS_EQUAL",
];

/// The numbers of a version, without zeros at the end: `3.0` is `3`.
fn version(text: &str) -> Vec<u64> {
    let number = |part: &str| {
        let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        part.get(..digits).and_then(|digits| digits.parse().ok()).unwrap_or(0)
    };
    let mut numbers: Vec<u64> = text.split('.').map(number).collect();
    while numbers.last() == Some(&0) {
        numbers.pop();
    }
    numbers
}

/// Whether a regular expression matches somewhere; nothing for one that is more than alternatives of texts, each perhaps bound
/// to the start or the end.
fn matches(text: &str, expression: &str) -> Option<bool> {
    let (start, expression) = match expression.strip_prefix("^(") {
        Some(inner) => (true, inner),
        None => (false, expression.strip_prefix('(').unwrap_or(expression)),
    };
    let (end, expression) = match expression.strip_suffix(")$") {
        Some(inner) => (true, inner),
        None => (false, expression.strip_suffix(')').unwrap_or(expression)),
    };
    let mut found = false;
    for alternative in expression.split('|') {
        let (own_start, alternative) = alternative.strip_prefix('^').map_or((false, alternative), |rest| (true, rest));
        let (own_end, alternative) = alternative.strip_suffix('$').map_or((false, alternative), |rest| (true, rest));
        if alternative.contains(['.', '*', '+', '?', '[', ']', '(', ')', '\\', '^', '$']) {
            return None;
        }
        found |= match (start || own_start, end || own_end) {
            (true, true) => text == alternative,
            (true, false) => text.starts_with(alternative),
            (false, true) => text.ends_with(alternative),
            (false, false) => text.contains(alternative),
        };
    }
    Some(found)
}
