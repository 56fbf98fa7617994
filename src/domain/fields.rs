//! PURE: a digest of several fields that cannot be mistaken for one of others.
use sha2::{Digest as _, Sha256};

/// A hash over fields of which none can run into the next: each goes in behind its length (threat T39).
pub(crate) struct Fields(Sha256);

impl Fields {
    /// `label` keeps hashes for different purposes apart.
    pub(crate) fn new(label: &str) -> Self {
        let mut fields = Self(Sha256::new());
        fields.add(label);
        fields
    }

    pub(crate) fn add(&mut self, field: impl AsRef<[u8]>) {
        let field = field.as_ref();
        self.0.update((field.len() as u64).to_be_bytes());
        self.0.update(field);
    }

    pub(crate) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}
