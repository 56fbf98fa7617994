//! What the SDK's methods may be handed, by the types that it is published with.
use std::collections::BTreeMap;

/// The members of each type, as they are written: the name, a `?` behind it where it may be left out, and its type.
pub(super) struct Types(BTreeMap<String, Vec<(String, String)>>);

/// What may be handed in.
#[derive(Debug, PartialEq)]
pub(super) struct Member {
    /// Its name, with those of the objects around it, as a JSON pointer.
    pub(super) pointer: String,
    pub(super) optional: bool,
}

impl Types {
    /// Reads declarations of types, which have a line for each member.
    pub(super) fn read(declarations: &str) -> Self {
        let mut types = BTreeMap::new();
        let mut lines = declarations.lines();
        while let Some(line) = lines.next() {
            let Some(name) = line.strip_suffix(" {").and_then(name_of_a_type) else { continue };
            let members = lines.by_ref().take_while(|line| !line.starts_with('}'));
            let members = members.filter_map(|line| line.trim().strip_suffix(';')?.split_once(": "));
            types.insert(name.to_owned(), members.map(|(name, of)| (name.to_owned(), of.to_owned())).collect());
        }
        Self(types)
    }

    /// What a method may be handed, with the members of its members.
    pub(super) fn of_method(&self, method: &str) -> Vec<Member> {
        let (first, rest) = method.split_at(1);
        self.of_type(&format!("{}{rest}Request", first.to_uppercase()), "", false)
    }

    fn of_type(&self, name: &str, within: &str, optional: bool) -> Vec<Member> {
        let members = self.0.get(name).unwrap_or_else(|| panic!("no type {name}"));
        let mut found = Vec::new();
        for (name, of) in members {
            let optional = optional || name.ends_with('?');
            let pointer = format!("{within}/{}", name.trim_end_matches('?'));
            if self.0.contains_key(of) {
                found.extend(self.of_type(of, &pointer, optional));
            }
            found.push(Member { pointer, optional });
        }
        found
    }
}

fn name_of_a_type(declaration: &str) -> Option<&str> {
    declaration
        .strip_prefix("export interface ")
        .or_else(|| declaration.strip_prefix("export type ")?.strip_suffix(" ="))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_members() {
        let types = Types::read(
            "export interface TrackRequest {\n    userId: string;\n    attributes?: Attributes;\n    deep: Attributes;\n}\n\
             export type Attributes = {\n    email?: string;\n    action: Action[];\n};\n",
        );
        let expected = [
            ("/userId", false),
            ("/attributes/email", true),
            ("/attributes/action", true),
            ("/attributes", true),
            ("/deep/email", true),
            ("/deep/action", false),
            ("/deep", false),
        ];
        let expected = expected.map(|(pointer, optional)| Member { pointer: pointer.to_owned(), optional });
        assert_eq!(types.of_method("track"), expected);
    }
}
