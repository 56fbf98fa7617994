//! A crypto transaction that an action is about.
use serde::Serialize;

use crate::custom::CustomNumber;

/// A crypto transaction, for [`Track::crypto`](crate::Track::crypto).
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[must_use]
pub struct Crypto {
    #[serde(skip_serializing_if = "Option::is_none")]
    asset: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    txn_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asset_amount: Option<CustomNumber>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asset_amount_usd: Option<CustomNumber>,
}

impl Crypto {
    /// A transaction about which nothing is said yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is moved, `BTC` for example.
    pub fn asset(mut self, asset: impl Into<String>) -> Self {
        self.asset = Some(asset.into());
        self
    }

    /// The address that it goes to.
    pub fn address(mut self, address: impl Into<String>) -> Self {
        self.address = Some(address.into());
        self
    }

    /// The hash of the transaction.
    pub fn txn_hash(mut self, hash: impl Into<String>) -> Self {
        self.txn_hash = Some(hash.into());
        self
    }

    /// How much of the asset.
    pub fn asset_amount(mut self, amount: impl Into<CustomNumber>) -> Self {
        self.asset_amount = Some(amount.into());
        self
    }

    /// How much that is in US dollars.
    pub fn asset_amount_usd(mut self, amount: impl Into<CustomNumber>) -> Self {
        self.asset_amount_usd = Some(amount.into());
        self
    }
}
