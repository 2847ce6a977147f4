//! Values back to text: what is printed reads as what was printed. Not here: keeping comments and layout.

use std::fmt::{self, Display, Formatter, Write};

use super::{Field, File, Item, Section, Value, ValueKind};

impl Display for File {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.items.iter().try_for_each(|item| writeln!(f, "{item}"))
    }
}

impl Display for Item {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(field) => write!(f, "{field}"),
            Self::Section(section) => write!(f, "{section}"),
        }
    }
}

impl Display for Field {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        // The blank matters: `flags:compiler` would be one name.
        write!(f, "{}: {}", self.name, self.value)
    }
}

impl Display for Section {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.kind)?;
        if let Some(name) = &self.name {
            string(f, name)?;
            f.write_char(' ')?;
        }
        f.write_str("{\n")?;
        self.items.iter().try_for_each(|item| writeln!(f, "{item}"))?;
        f.write_char('}')
    }
}

fn string(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            c if c.is_ascii_control() => write!(f, "\\x{:02x}", u32::from(c))?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}

fn separated(f: &mut Formatter<'_>, values: &[Value], separator: &str) -> fmt::Result {
    for (position, value) in values.iter().enumerate() {
        if position > 0 {
            f.write_str(separator)?;
        }
        write!(f, "{value}")?;
    }
    Ok(())
}

impl Display for Value {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ValueKind::Bool(value) => write!(f, "{value}"),
            ValueKind::Int(value) => write!(f, "{value}"),
            ValueKind::String(text) => string(f, text),
            ValueKind::Ident(name) => f.write_str(name),
            ValueKind::List(values) => {
                f.write_char('[')?;
                separated(f, values, " ")?;
                f.write_char(']')
            }
            ValueKind::Group(values) => {
                f.write_char('(')?;
                separated(f, values, " ")?;
                f.write_char(')')
            }
            ValueKind::Option(value, options) => {
                write!(f, "{value} {{")?;
                separated(f, options, " ")?;
                f.write_char('}')
            }
            ValueKind::Relation(left, operator, right) => write!(f, "{left} {} {right}", operator.symbol()),
            ValueKind::PrefixRelation(operator, value) => write!(f, "{} {value}", operator.symbol()),
            ValueKind::Update(left, operator, right) => write!(f, "{left} {} {right}", operator.symbol()),
            ValueKind::And(values) => separated(f, values, " & "),
            ValueKind::Or(values) => separated(f, values, " | "),
            ValueKind::Not(value) => {
                // `! = x` and `!= x` differ.
                let operand = value.to_string();
                write!(f, "!{}{operand}", if operand.starts_with('=') { " " } else { "" })
            }
            ValueKind::Defined(value) => write!(f, "?{value}"),
        }
    }
}
