//! Records by their ids, found as quickly by what else they are looked for.
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;

/// Something that is kept in a [`Table`].
pub(crate) trait Record {
    fn id(&self) -> &str;
    /// What else it is looked for by.
    fn found_by(&self) -> Vec<FoundBy>;
}

/// What records are looked for by, besides their ids.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FoundBy {
    User(String),
    RefreshToken(String),
}

impl FoundBy {
    pub(crate) fn user(id: impl AsRef<str>) -> Self {
        Self::User(id.as_ref().to_owned())
    }
}

/// Records of one kind. It is read as the map by their ids that it is.
#[derive(Debug, Clone)]
pub(crate) struct Table<T> {
    records: BTreeMap<String, T>,
    /// What each record is found by, with its id.
    index: BTreeSet<(FoundBy, String)>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { records: BTreeMap::new(), index: BTreeSet::new() }
    }
}

impl<T> Deref for Table<T> {
    type Target = BTreeMap<String, T>;

    fn deref(&self) -> &Self::Target {
        &self.records
    }
}

impl<T: Record> Table<T> {
    /// Puts a record in, in the place of the one with its id.
    pub(crate) fn insert(&mut self, record: T) {
        let id = record.id().to_owned();
        self.remove(&id);
        self.index.extend(record.found_by().into_iter().map(|key| (key, id.clone())));
        self.records.insert(id, record);
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<T> {
        let record = self.records.remove(id)?;
        for key in record.found_by() {
            self.index.remove(&(key, id.to_owned()));
        }
        Some(record)
    }

    /// Removes all that are found by `key`.
    pub(crate) fn remove_of(&mut self, key: &FoundBy) {
        let ids: Vec<_> = self.ids_of(key).cloned().collect();
        for id in ids {
            self.remove(&id);
        }
    }

    pub(crate) fn retain(&mut self, keep: impl FnMut(&T) -> bool) {
        *self = std::mem::take(&mut self.records).into_values().filter(keep).collect();
    }

    /// A record, for a change that leaves what it is found by; [`change`](Self::change) is for others.
    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        self.records.get_mut(id)
    }

    /// Changes a record, if there is such a one.
    pub(crate) fn change(&mut self, id: &str, change: impl FnOnce(&mut T)) {
        if let Some(mut record) = self.remove(id) {
            change(&mut record);
            self.insert(record);
        }
    }

    /// All that are found by `key`, in the order of their ids.
    pub(crate) fn of<'a>(&'a self, key: &'a FoundBy) -> impl Iterator<Item = &'a T> {
        self.ids_of(key).filter_map(|id| self.records.get(id))
    }

    fn ids_of<'a>(&'a self, key: &'a FoundBy) -> impl Iterator<Item = &'a String> {
        let from_here = self.index.range((key.clone(), String::new())..);
        from_here.take_while(move |(known, _)| known == key).map(|(_, id)| id)
    }
}

impl<T: Record> FromIterator<T> for Table<T> {
    fn from_iter<I: IntoIterator<Item = T>>(records: I) -> Self {
        let mut table = Self::default();
        for record in records {
            table.insert(record);
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, PartialEq)]
    struct Letter {
        id: &'static str,
        user: Option<&'static str>,
        token: &'static str,
    }

    impl Record for Letter {
        fn id(&self) -> &str {
            self.id
        }

        fn found_by(&self) -> Vec<FoundBy> {
            self.user.map(FoundBy::user).into_iter().chain([FoundBy::RefreshToken(self.token.to_owned())]).collect()
        }
    }

    fn letter(id: &'static str, user: Option<&'static str>, token: &'static str) -> Letter {
        Letter { id, user, token }
    }

    fn table() -> Table<Letter> {
        let letters = [("1", Some("ada"), "a"), ("2", Some("ada"), "b"), ("3", None, "ada"), ("4", Some("adam"), "b")];
        letters.into_iter().map(|(id, user, token)| letter(id, user, token)).collect()
    }

    fn ids(table: &Table<Letter>, key: &FoundBy) -> Vec<&'static str> {
        table.of(key).map(|letter| letter.id).collect()
    }

    /// The index holds what the records say, whatever was done to them.
    fn is_whole(table: &Table<Letter>) -> bool {
        let keys =
            table.values().flat_map(|letter| letter.found_by().into_iter().map(|key| (key, letter.id.to_owned())));
        keys.collect::<BTreeSet<_>>() == table.index
    }

    #[test]
    fn records_are_found_by_each_key() {
        let table = table();
        assert_eq!(ids(&table, &FoundBy::user("ada")), ["1", "2"]);
        assert_eq!(ids(&table, &FoundBy::user("adam")), ["4"]);
        assert_eq!(ids(&table, &FoundBy::user("")), [""; 0]);
        assert_eq!(ids(&table, &FoundBy::RefreshToken("b".into())), ["2", "4"]);
        assert_eq!(ids(&table, &FoundBy::RefreshToken("ada".into())), ["3"], "a token is no user");
        assert_eq!(table["3"].user, None);
        assert!(is_whole(&table));
    }

    #[test]
    fn what_is_gone_is_found_no_more() {
        let mut table = table();
        assert_eq!(table.remove("1").unwrap().id, "1");
        assert!(table.remove("1").is_none());
        assert_eq!(ids(&table, &FoundBy::user("ada")), ["2"]);
        table.insert(letter("2", Some("eve"), "c"));
        assert_eq!((ids(&table, &FoundBy::user("ada")), ids(&table, &FoundBy::user("eve"))), (vec![], vec!["2"]));
        table.change("2", |letter| letter.user = Some("adam"));
        table.change("unknown", |_| panic!("there is none"));
        assert_eq!(ids(&table, &FoundBy::user("adam")), ["2", "4"]);
        table.remove_of(&FoundBy::user("adam"));
        assert_eq!(table.keys().collect::<Vec<_>>(), ["3"]);
        assert!(is_whole(&table));
        table.retain(|letter| letter.id != "3");
        assert!(table.is_empty() && is_whole(&table));
    }

    #[test]
    fn retaining() {
        let mut table = table();
        table.retain(|letter| letter.token == "b");
        assert_eq!(table.keys().collect::<Vec<_>>(), ["2", "4"]);
        assert_eq!(ids(&table, &FoundBy::user("ada")), ["2"]);
        assert!(is_whole(&table));
    }
}
