//! PURE: JSON that every program reads alike (RFC 8259, and of what it leaves open nothing): UTF-8 alone, no name twice, no number
//! that a double does not hold (threat T63).
use super::body_fault::{BodyFault, BodyFaultKind};
use super::document::{Names, Node, is_plain_number};

/// How deep lists and objects may stand in each other.
const MAX_DEPTH: usize = 32;

/// Reads a whole body.
pub(crate) fn parse(body: &[u8]) -> Result<Node, BodyFault> {
    let whole = |kind| BodyFault::new("", kind);
    let text = std::str::from_utf8(body).map_err(|_| whole(BodyFaultKind::NotUtf8))?;
    if text.starts_with('\u{feff}') {
        return Err(whole(BodyFaultKind::ByteOrderMark));
    }
    let mut reader = Reader { text, at: 0, path: Vec::new() };
    let read = reader.value().and_then(|node| {
        reader.skip_blanks();
        if reader.at == text.len() { Ok(node) } else { Err(BodyFaultKind::Syntax) }
    });
    read.map_err(|kind| BodyFault::new(&reader.path(), kind))
}

/// Where in a document somebody is.
enum Step {
    Name(String),
    Index(usize),
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// The lists and objects that it is inside of.
    path: Vec<Step>,
}

impl Reader<'_> {
    fn path(&self) -> String {
        let mut path = String::new();
        for step in &self.path {
            match step {
                Step::Name(name) if path.is_empty() => path += name,
                Step::Name(name) => path += &format!(".{name}"),
                Step::Index(index) => path += &format!("[{index}]"),
            }
        }
        path
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Goes past `wanted`, if it is next.
    fn eat(&mut self, wanted: &str) -> bool {
        let is_next = self.text.as_bytes()[self.at..].starts_with(wanted.as_bytes());
        self.at += if is_next { wanted.len() } else { 0 };
        is_next
    }

    fn expect(&mut self, wanted: &str) -> Result<(), BodyFaultKind> {
        if self.eat(wanted) { Ok(()) } else { Err(BodyFaultKind::Syntax) }
    }

    fn value(&mut self) -> Result<Node, BodyFaultKind> {
        self.skip_blanks();
        match self.peek() {
            Some(b'{') => self.object(),
            Some(b'[') => self.list(),
            Some(b'"') => self.string().map(Node::Text),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.expect("true").map(|()| Node::Bool(true)),
            Some(b'f') => self.expect("false").map(|()| Node::Bool(false)),
            Some(b'n') => self.expect("null").map(|()| Node::Null),
            _ => Err(BodyFaultKind::Syntax),
        }
    }

    fn enter(&mut self) -> Result<(), BodyFaultKind> {
        self.at += 1;
        if self.path.len() >= MAX_DEPTH {
            return Err(BodyFaultKind::TooDeep);
        }
        self.skip_blanks();
        Ok(())
    }

    fn list(&mut self) -> Result<Node, BodyFaultKind> {
        self.enter()?;
        let mut nodes = Vec::new();
        if self.eat("]") {
            return Ok(Node::List(nodes));
        }
        loop {
            self.path.push(Step::Index(nodes.len()));
            nodes.push(self.value()?);
            self.path.pop();
            self.skip_blanks();
            if self.eat("]") {
                return Ok(Node::List(nodes));
            }
            self.expect(",")?;
        }
    }

    fn object(&mut self) -> Result<Node, BodyFaultKind> {
        self.enter()?;
        let (mut members, mut names) = (Vec::new(), Names::default());
        if self.eat("}") {
            return Ok(Node::Object(members));
        }
        loop {
            self.skip_blanks();
            let name = self.string()?;
            let is_new = names.add(&name);
            self.path.push(Step::Name(name.clone()));
            is_new?;
            self.skip_blanks();
            self.expect(":")?;
            members.push((name, self.value()?));
            self.path.pop();
            self.skip_blanks();
            if self.eat("}") {
                return Ok(Node::Object(members));
            }
            self.expect(",")?;
        }
    }

    fn number(&mut self) -> Result<Node, BodyFaultKind> {
        let rest = &self.text[self.at..];
        let is_part = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
        let length = rest.bytes().take_while(|byte| is_part(*byte)).count();
        let text = &rest[..length];
        if !is_plain_number(text) {
            return Err(if is_number(text) { BodyFaultKind::Number } else { BodyFaultKind::Syntax });
        }
        self.at += length;
        Ok(Node::Number(text.to_owned()))
    }

    fn string(&mut self) -> Result<String, BodyFaultKind> {
        self.expect("\"")?;
        let mut text = String::new();
        loop {
            let rest = &self.text[self.at..];
            let plain = rest.bytes().take_while(|byte| *byte >= 0x20 && !b"\"\\".contains(byte)).count();
            text += &rest[..plain];
            self.at += plain;
            if self.eat("\"") {
                return Ok(text);
            }
            self.expect("\\")?;
            text.push(self.escape()?);
        }
    }

    /// What stands behind a backslash.
    fn escape(&mut self) -> Result<char, BodyFaultKind> {
        let escaped = self.peek().ok_or(BodyFaultKind::Syntax)?;
        self.at += 1;
        match escaped {
            b'"' | b'\\' | b'/' => Ok(escaped.into()),
            b'b' => Ok('\u{8}'),
            b'f' => Ok('\u{c}'),
            b'n' => Ok('\n'),
            b'r' => Ok('\r'),
            b't' => Ok('\t'),
            b'u' => {
                let mut units = vec![self.unit()?];
                if matches!(units[0], 0xd800..=0xdbff) && self.eat("\\u") {
                    units.push(self.unit()?);
                }
                let mut chars = char::decode_utf16(units);
                match (chars.next(), chars.next()) {
                    (Some(Ok(char)), None) if char != '\0' => Ok(char),
                    _ => Err(BodyFaultKind::Character),
                }
            }
            _ => Err(BodyFaultKind::Syntax),
        }
    }

    /// Four hexadecimal digits.
    fn unit(&mut self) -> Result<u16, BodyFaultKind> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4).ok_or(BodyFaultKind::Syntax)?;
        let digits = digits.iter().map(|digit| char::from(*digit).to_digit(16));
        let unit =
            digits.into_iter().try_fold(0, |unit, digit| Some(unit * 16 + digit?)).ok_or(BodyFaultKind::Syntax)?;
        self.at += 4;
        u16::try_from(unit).map_err(|_| BodyFaultKind::Syntax)
    }
}

/// Whether it is a number of JSON, plain or not.
fn is_number(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = text.split_once(['e', 'E']).map_or((text, None), |(mantissa, by)| (mantissa, Some(by)));
    let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(whole, part)| (whole, Some(part)));
    let unsigned = |exponent: &str| is_digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent));
    is_digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(is_digits)
        && exponent.is_none_or(unsigned)
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
