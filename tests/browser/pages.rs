//! Pages that are asked for.
use serde_json::json;

use test_support::visitor::Visitor;

#[tokio::test]
async fn an_allowed_page_is_simply_there() {
    let ada = Visitor::arrive().await;
    ada.sign_in("Ada").await;
    ada.click("Balance").await;
    ada.sees("Your balance").await;
    ada.reads(".verdict", "Allowed").await;
    // It got its id, so that whatever it asks for next shares it.
    let cookies = ada.cookies().await;
    assert_eq!(cookies, [("authsignal", "Lax"), ("bank", "Strict")].map(|(name, site)| (name.into(), site.into())));
    ada.leaves().await;
}

#[tokio::test]
async fn a_challenged_page_is_confirmed_each_time_and_no_token_stays() {
    let ada = Visitor::arrive().await;
    ada.sign_in("Ada").await;
    for _ in 0..2 {
        ada.goes_home().await;
        ada.click("Card").await;
        ada.confirms("View card").await;
        ada.sees("Your card").await;
        ada.is_at("/card").await;
        ada.reads(".verdict", "Verified by EMAIL_OTP").await;
        ada.reads(".verdict", "view-card").await;
    }
    // The way back led from another site, on which the session's cookie was not sent.
    let cookies = ada.cookies().await;
    assert_eq!(cookies, [("authsignal", "Lax"), ("bank", "Strict")].map(|(name, site)| (name.into(), site.into())));
    ada.leaves().await;
}

#[tokio::test]
async fn a_remembered_page_is_challenged_once_and_vouches_for_no_other() {
    let ada = Visitor::arrive().await;
    ada.sign_in("Ada").await;
    ada.click("Statement").await;
    ada.confirms("View statement").await;
    ada.sees("Your statement").await;
    for _ in 0..2 {
        ada.goes_home().await;
        ada.click("Statement").await;
        ada.sees("Your statement").await;
        ada.reads(".verdict", "Verified by EMAIL_OTP").await;
    }
    ada.goes_home().await;
    ada.click("Card").await;
    ada.sees("View card").await;
    ada.leaves().await;
}

#[tokio::test]
async fn who_leaves_the_challenge_can_try_again_or_cancel() {
    let ada = Visitor::arrive().await;
    ada.sign_in("Ada").await;
    ada.click("Card").await;
    ada.sees("View card").await;
    ada.click("Cancel").await;
    ada.sees("Not confirmed yet").await;
    assert!(!ada.address().await.as_str().contains("token="), "{}", ada.address().await);
    ada.click("Try again").await;
    ada.confirms("View card").await;
    ada.sees("Your card").await;

    ada.goes_home().await;
    ada.click("Limit").await;
    ada.sees("View limit").await;
    ada.click("Cancel").await;
    ada.sees("Not confirmed yet").await;
    ada.click("Cancel").await;
    ada.sees("Welcome").await;
    ada.is_at("/").await;
    ada.leaves().await;
}

#[tokio::test]
async fn a_wrong_code_is_told_and_the_right_one_taken() {
    let ada = Visitor::arrive().await;
    ada.sign_in("Ada").await;
    ada.click("Card").await;
    ada.sees("View card").await;
    let code = ada.code().await;
    ada.types(if code == "000000" { "000001" } else { "000000" }).await;
    ada.reads(".problem", "That code is wrong").await;
    ada.look_over().await;
    assert_eq!(ada.code().await, code, "a mistake does not void it");
    ada.types(&code).await;
    ada.sees("Your card").await;
    ada.leaves().await;
}

#[tokio::test]
async fn a_blocked_page_says_so_and_leads_home() {
    let ada = Visitor::arrive().await;
    ada.sign_in("Ada").await;
    ada.click("Close the account").await;
    ada.sees("This was refused").await;
    ada.is_at("/close").await;
    ada.click("Continue").await;
    ada.sees("Welcome").await;
    ada.leaves().await;
}

#[tokio::test]
async fn a_challenge_that_failed_for_good_says_so() {
    let ada = Visitor::arrive().await;
    ada.sign_in("Ada").await;
    ada.click("Card").await;
    ada.sees("View card").await;
    ada.click("Fail this challenge").await;
    ada.sees("This was refused").await;
    ada.click("Continue").await;
    // The page that was wanted, which asks anew.
    ada.confirms("View card").await;
    ada.sees("Your card").await;
    ada.leaves().await;
}

#[tokio::test]
async fn going_back_afterwards_ends_nowhere_and_grants_nothing() {
    let ada = Visitor::arrive().await;
    ada.sign_in("Ada").await;
    ada.click("Card").await;
    ada.confirms("View card").await;
    ada.sees("Your card").await;
    ada.back().await;
    ada.sees("View card").await;
    // The browser may have kept the page as it was. Loaded again, it knows that it is over.
    ada.reload().await;
    ada.click("Continue").await;
    ada.confirms("View card").await;
    ada.sees("Your card").await;
    ada.is_at("/card").await;
    ada.leaves().await;
}

#[tokio::test]
async fn nothing_needs_a_script() {
    let ada = Visitor::arrive_with(json!({ "profile.managed_default_content_settings.javascript": 2 })).await;
    ada.sign_in("Ada").await;
    ada.click("Card").await;
    ada.confirms("View card").await;
    ada.sees("Your card").await;
    ada.goes_home().await;
    ada.click("Send").await;
    ada.confirms("Transfer").await;
    ada.sees("One last step").await;
    ada.click("Continue").await;
    ada.sees("Money sent").await;
    ada.leaves().await;
}
