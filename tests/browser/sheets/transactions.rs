//! The two pages on which people read what a transaction does: the challenge, and the page behind it.
use serde_json::json;

use super::{LANGUAGES, SCREENS, keep, pictures_of, speak};
use crate::transactions::bank;

#[tokio::test]
async fn both_pages_of_a_transaction_are_right_in_every_language_and_on_every_screen() {
    let bank = bank().await;
    let ada = &bank.ada;
    ada.devtools("Network.enable", json!({})).await;
    let (mut challenges, mut resumed) = (Vec::new(), Vec::new());
    for (language, amount) in LANGUAGES.into_iter().zip(["250", "1000", "25000", "9007199254740991"]) {
        // A challenge is in the language in which it was begun.
        speak(ada, language).await;
        bank.sends(amount).await;
        challenges.extend(pictures_of(ada, "transaction-challenge", language).await);
        bank.proves().await;
        resumed.extend(pictures_of(ada, "transaction-resume", language).await);
        bank.goes_on().await;
    }
    let mut count = keep(ada, "transaction-challenge", challenges).await;
    count += keep(ada, "transaction-resume", resumed).await;
    println!("{count} pictures of pages, 0 violations");
    assert_eq!(count, 2 * LANGUAGES.len() * SCREENS.len());
    bank.ada.leaves().await;
}
