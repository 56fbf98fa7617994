//! More than one user, and one who has nothing set up.
use test_support::visitor::Visitor;

#[tokio::test]
async fn who_has_nothing_set_up_passes_where_that_is_taken_and_enrols_by_email_where_it_is_not() {
    let grace = Visitor::arrive().await;
    grace.sign_in("Grace").await;
    grace.click("Card").await;
    grace.sees("Your card").await;
    grace.reads(".verdict", "Unenrolled").await;

    grace.goes_home().await;
    grace.click("Limit").await;
    grace.sees("View limit").await;
    grace.reads(".eyebrow", "Set up verification").await;
    grace.click("Code by e-mail").await;
    grace.fill("E-mail address", "grace@example.com").await;
    grace.click("Send the code").await;
    grace.confirms("View limit").await;
    grace.sees("Recovery codes").await;
    grace.click("Continue").await;
    grace.sees("Your limit").await;
    grace.is_at("/limit").await;
    grace.reads(".verdict", "Verified by EMAIL_OTP").await;

    // Now there is something to be asked for.
    grace.goes_home().await;
    grace.click("Card").await;
    grace.confirms("View card").await;
    grace.sees("Your card").await;
    grace.leaves().await;
}

#[tokio::test]
async fn who_has_nothing_set_up_enrols_an_app() {
    let grace = Visitor::arrive().await;
    grace.sign_in("Grace").await;
    grace.click("Limit").await;
    grace.click("Authenticator app").await;
    grace.sees("View limit").await;
    grace.click("Can’t scan it?").await;
    assert!(grace.text(".manual code").await.len() > 16);
    let code = grace.code().await;
    grace.types(&code).await;
    grace.sees("Recovery codes").await;
    grace.click("Continue").await;
    grace.sees("Your limit").await;
    grace.reads(".verdict", "Verified by AUTHENTICATOR_APP").await;
    grace.leaves().await;
}

#[tokio::test]
async fn who_does_not_set_anything_up_gets_no_further() {
    let grace = Visitor::arrive().await;
    grace.sign_in("Grace").await;
    grace.click("Limit").await;
    grace.sees("View limit").await;
    grace.click("Cancel").await;
    grace.sees("Not confirmed yet").await;
    grace.open("/limit").await;
    grace.reads(".eyebrow", "Set up verification").await;
    grace.leaves().await;
}

#[tokio::test]
async fn what_one_user_confirmed_is_worth_nothing_to_another() {
    let ada = Visitor::arrive().await;
    ada.sign_in("Ada").await;
    ada.click("Statement").await;
    ada.confirms("View statement").await;
    ada.sees("Your statement").await;
    ada.goes_home().await;
    ada.click("Send").await;
    ada.confirms("Transfer").await;
    ada.sees("One last step").await;

    // Approved and not yet used; in another tab somebody else signs in.
    let confirmed = ada.tab().await;
    let other = ada.opens_a_tab().await;
    ada.goes_home().await;
    ada.click("Sign out").await;
    let alan = ada;
    alan.sign_in("Alan").await;
    alan.click("Statement").await;
    alan.sees("View statement").await;
    alan.reads(".card", "a•••@example.com").await;
    alan.goes_to(&confirmed).await;
    alan.click("Continue").await;
    alan.sees("Transfer").await;
    alan.back().await;
    alan.sees("This belongs to another sign-in").await;
    alan.goes_to(&other).await;
    assert_eq!(alan.transfers().await, "0");

    // Nor to the same user in another session.
    alan.click("Sign out").await;
    let ada = alan;
    ada.sign_in("Ada").await;
    assert_eq!(ada.transfers().await, "0");
    ada.click("Statement").await;
    ada.sees("View statement").await;
    ada.leaves().await;
}

#[tokio::test]
async fn who_signed_out_meanwhile_is_let_in_nowhere() {
    let ada = Visitor::arrive().await;
    ada.sign_in("Ada").await;
    ada.click("Card").await;
    ada.sees("View card").await;
    let challenge = ada.tab().await;
    ada.opens_a_tab().await;
    ada.goes_home().await;
    ada.click("Sign out").await;
    ada.sees("Welcome").await;
    ada.goes_to(&challenge).await;
    ada.confirms("View card").await;
    // The bank sends strangers to where they sign in.
    ada.sees("Welcome").await;
    ada.is_at("/").await;
    ada.leaves().await;
}
