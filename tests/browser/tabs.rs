//! More than one tab at once.
use test_support::visitor::Visitor;

#[tokio::test]
async fn the_same_page_in_two_tabs_ends_well_in_both() {
    let ada = Visitor::arrive().await;
    ada.sign_in("Ada").await;
    ada.click("Card").await;
    ada.sees("View card").await;
    let code = ada.code().await;
    let one = ada.tab().await;
    ada.opens_a_tab().await;
    ada.open("/card").await;
    ada.sees("View card").await;
    assert_eq!(ada.code().await, code, "one challenge, one message");
    ada.types(&code).await;
    ada.sees("Your card").await;

    // One approval was for one request. The first tab asks for its own.
    ada.goes_to(&one).await;
    ada.types(&code).await;
    ada.click("Continue").await;
    ada.confirms("View card").await;
    ada.sees("Your card").await;
    assert_eq!(ada.cookies().await.len(), 2, "the session's and ours");
    ada.leaves().await;
}

#[tokio::test]
async fn two_pages_in_two_tabs_do_not_disturb_each_other() {
    let ada = Visitor::arrive().await;
    ada.sign_in("Ada").await;
    ada.click("Card").await;
    ada.sees("View card").await;
    let one = ada.tab().await;
    let other = ada.opens_a_tab().await;
    ada.open("/limit").await;
    ada.sees("View limit").await;

    // A code proves what is asked for in its own tab.
    ada.goes_to(&one).await;
    ada.reload().await;
    ada.confirms("View card").await;
    ada.sees("Your card").await;
    ada.goes_to(&other).await;
    ada.reload().await;
    ada.confirms("View limit").await;
    ada.sees("Your limit").await;
    assert_eq!(ada.cookies().await.len(), 2, "the session's and ours");
    ada.leaves().await;
}

#[tokio::test]
async fn the_same_form_in_two_tabs_is_sent_once() {
    let ada = Visitor::arrive().await;
    ada.sign_in("Ada").await;
    let one = ada.tab().await;
    let other = ada.opens_a_tab().await;
    ada.open("/").await;
    for tab in [&one, &other] {
        ada.goes_to(tab).await;
        ada.click("Send").await;
        ada.sees("Transfer").await;
    }
    ada.confirms("Transfer").await;
    ada.sees("One last step").await;
    ada.click("Continue").await;
    ada.sees("Money sent").await;

    ada.goes_to(&one).await;
    ada.reload().await;
    ada.click("Continue").await;
    ada.sees("Already passed on").await;
    ada.click("Continue").await;
    assert_eq!(ada.transfers().await, "1");
    ada.leaves().await;
}
