//! PURE: urlencoded forms that every program reads alike: UTF-8 alone, no field twice, nothing that is left out or read as something
//! else by one of them (threat T64).
use super::body_fault::{BodyFault, BodyFaultKind};
use super::document::{Names, Node};

/// Reads a whole body: the fields of a form, in order.
pub(crate) fn parse(body: &[u8]) -> Result<Vec<(String, Node)>, BodyFault> {
    let (mut pairs, mut names) = (Vec::new(), Names::default());
    if body.is_empty() {
        return Ok(pairs);
    }
    for pair in body.split(|byte| *byte == b'&') {
        let at = pair.iter().position(|byte| *byte == b'=').ok_or(BodyFault::new("", BodyFaultKind::Syntax))?;
        let name = decode(&pair[..at]).map_err(|kind| BodyFault::new("", kind))?;
        let fault = |kind| BodyFault::new(&name, kind);
        if name.is_empty() {
            return Err(fault(BodyFaultKind::Syntax));
        }
        names.add(&name).map_err(fault)?;
        let value = decode(&pair[at + 1..]).map_err(fault)?;
        pairs.push((name, Node::Text(value)));
    }
    Ok(pairs)
}

/// A name or a value. What stands there unescaped is what clients leave so; a `;` parts fields for some programs.
fn decode(text: &[u8]) -> Result<String, BodyFaultKind> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
                match (digit(rest.next()), digit(rest.next())) {
                    (Some(high), Some(low)) => u8::try_from(high * 16 + low).map_err(|_| BodyFaultKind::Syntax)?,
                    _ => return Err(BodyFaultKind::Syntax),
                }
            }
            byte if byte.is_ascii_alphanumeric() || b"*-._~!'(),/:?@$[]".contains(byte) => *byte,
            _ => return Err(BodyFaultKind::Syntax),
        });
    }
    let text = String::from_utf8(bytes).map_err(|_| BodyFaultKind::NotUtf8)?;
    if text.contains('\0') { Err(BodyFaultKind::Character) } else { Ok(text) }
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
