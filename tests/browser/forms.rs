//! Forms that are posted, challenged, and posted again.
use test_support::visitor::Visitor;

#[tokio::test]
async fn a_challenged_form_arrives_whole_and_once() {
    let ada = Visitor::arrive().await;
    ada.sign_in("Ada").await;
    let name = "Zoë & <b>“Co”</b> + 100% 日本 Llanfairpwllgwyngyllgogerych";
    ada.fill("To", name).await;
    ada.fill("Amount in euros", "1234").await;
    ada.click("Send").await;
    ada.confirms("Transfer").await;

    ada.sees("One last step").await;
    assert!(!ada.address().await.as_str().contains("token="), "{}", ada.address().await);
    let kept = ada.text("dl").await;
    assert!(kept.contains(name) && kept.contains("1234"), "{kept}");
    let heights = "return [...document.querySelectorAll('dt bdi')].map(name => name.getBoundingClientRect().height)";
    let heights = ada.evaluates(heights).await;
    let one_line = |height: &serde_json::Value| height.as_f64().unwrap() < 30.0;
    assert!(heights.as_array().unwrap().iter().all(one_line), "a long value breaks no name: {heights}");
    ada.click("Continue").await;
    ada.sees("Money sent").await;
    ada.is_at("/transfer").await;
    ada.reads(".verdict", "Verified by EMAIL_OTP").await;
    let sent = ada.text("dl.card").await;
    assert_eq!(sent.lines().collect::<Vec<_>>(), [name, "€ 1234"]);
    assert_eq!(ada.transfers().await, "1");
    ada.leaves().await;
}

#[tokio::test]
async fn going_back_and_sending_again_needs_a_new_proof() {
    let ada = Visitor::arrive().await;
    ada.sign_in("Ada").await;
    ada.click("Send").await;
    ada.confirms("Transfer").await;
    ada.sees("One last step").await;
    ada.click("Continue").await;
    ada.sees("Money sent").await;

    ada.back().await;
    if ada.sees_one_of(&["Already passed on", "One last step"]).await == "One last step" {
        // The browser kept the page as it was.
        ada.click("Continue").await;
        ada.sees_one_of(&["Already passed on", "Transfer"]).await;
    } else {
        ada.click("Continue").await;
        ada.sees("Welcome").await;
    }
    assert_eq!(ada.transfers().await, "1");
    ada.leaves().await;
}

#[tokio::test]
async fn reloading_what_a_form_led_to_sends_nothing_twice() {
    let ada = Visitor::arrive().await;
    ada.sign_in("Ada").await;
    ada.click("Send").await;
    ada.confirms("Transfer").await;
    ada.sees("One last step").await;
    ada.click("Continue").await;
    ada.sees("Money sent").await;
    ada.reload().await;
    // The same at once is taken for a slip; later it is challenged like any other.
    ada.sees_one_of(&["Already passed on", "Transfer"]).await;
    assert_eq!(ada.transfers().await, "1");
    // One who means another can do it.
    ada.fill("Amount in euros", "26").await;
    ada.click("Send").await;
    ada.confirms("Transfer").await;
    ada.sees("One last step").await;
    ada.click("Continue").await;
    ada.sees("Money sent").await;
    assert_eq!(ada.transfers().await, "2");
    ada.leaves().await;
}

#[tokio::test]
async fn who_leaves_the_challenge_of_a_form_loses_nothing() {
    let ada = Visitor::arrive().await;
    ada.sign_in("Ada").await;
    ada.fill("To", "Babbage").await;
    ada.click("Send").await;
    ada.sees("Transfer").await;
    ada.click("Cancel").await;
    ada.sees("Not confirmed yet").await;
    ada.click("Try again").await;
    ada.confirms("Transfer").await;
    ada.sees("One last step").await;
    ada.click("Continue").await;
    ada.sees("Money sent").await;
    assert!(ada.text("dl.card").await.contains("Babbage"));
    ada.leaves().await;
}

#[tokio::test]
async fn cancelling_at_the_last_step_sends_nothing() {
    let ada = Visitor::arrive().await;
    ada.sign_in("Ada").await;
    ada.click("Send").await;
    ada.confirms("Transfer").await;
    ada.sees("One last step").await;
    ada.click("Cancel").await;
    ada.sees("Welcome").await;
    assert_eq!(ada.transfers().await, "0");
    ada.leaves().await;
}
