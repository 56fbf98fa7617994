//! The pages of a request that somebody has to look at: while it waits, once it may go on, and when it was refused.
use serde_json::json;
use test_support::visitor::Visitor;

use super::{LANGUAGES, SCREENS, sheet};
use crate::reviews::shop;

#[tokio::test]
async fn the_pages_of_a_review_are_right_in_every_language_and_on_every_screen() {
    let mut count = 0;
    for (state, name) in [("REVIEW_FAILED", "review-refused"), ("REVIEW_SUCCEEDED", "reviewed")] {
        // What was refused a moment ago is refused again, so that each has a shop of its own.
        let shop = shop().await;
        let ada = Visitor::arrive_at(shop.site.clone(), json!({})).await;
        ada.devtools("Network.enable", json!({})).await;
        ada.open("/form/held").await;
        ada.click("Send").await;
        ada.sees("This is being looked at").await;
        if count == 0 {
            // By its own address, which can be loaded again without sending the form again.
            ada.click("Look again").await;
            ada.sees("This is being looked at").await;
            count += sheet(&ada, "under-review").await;
            ada.reload().await;
        }
        shop.decide(state).await;
        ada.click("Look again").await;
        let heading = if state == "REVIEW_FAILED" { "This was refused" } else { "One last step" };
        ada.sees(heading).await;
        count += sheet(&ada, name).await;
        ada.leaves().await;
    }
    println!("{count} pictures of pages, 0 violations");
    assert_eq!(count, 3 * LANGUAGES.len() * SCREENS.len());
}
