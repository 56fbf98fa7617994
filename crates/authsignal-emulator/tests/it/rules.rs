//! The tenant's settings at work: what a track begins with, who is there from the start, what is asked for.
use authsignal_client::VerificationMethod;
use authsignal_emulator::{
    ActionSettings, Condition, Config, Emulator, Limits, Network, NewUser, Outcome, Rule, Tenant,
};
use serde_json::{Value, json};

use crate::support::{Bench, bench_of, text};

const TRAVEL: &str = "6b0e8f3a-1111-4222-8333-944455556666";

fn tenant() -> Tenant {
    Tenant::new()
        .action("withdrawal", ActionSettings::new().outcome(Outcome::Allow))
        .network(Network::new("203.0.113.0/24").country_code("NZ"))
        .user(NewUser::new("ada").email("ada@example.com").methods([VerificationMethod::EmailOtp]))
        .rule(
            Rule::new("Travel")
                .id(TRAVEL)
                .description("From elsewhere")
                .on("withdrawal")
                .priority(1)
                .when("ip.countryCode", Condition::ne("NZ"))
                .outcome(Outcome::Review),
        )
        .rule(
            Rule::new("Big")
                .on("withdrawal")
                .priority(0)
                .when("custom.amount", Condition::gt(1000))
                .outcome(Outcome::Challenge)
                .methods([VerificationMethod::EmailOtp]),
        )
        .rule(Rule::new("New device").on("login").when("device.isNew", Condition::eq(true)).outcome(Outcome::Block))
        .rule(
            Rule::new("Remembered")
                .on("login")
                .when("device.isRemembered", Condition::eq(true))
                .outcome(Outcome::Allow),
        )
}

async fn track(bench: &Bench, action: &str, body: Value) -> Value {
    let (status, answer) = bench.post(&format!("/users/ada/actions/{action}"), body).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

#[tokio::test]
async fn the_first_rule_that_matches_decides_and_all_are_told() {
    let bench = bench_of(tenant()).await;
    let near = json!({ "ipAddress": "203.0.113.7", "custom": { "amount": 10 } });
    assert_eq!(track(&bench, "withdrawal", near).await["state"], "ALLOW");

    let far = json!({ "ipAddress": "198.51.100.7", "custom": { "amount": 5000 }, "idempotencyKey": "k" });
    bench.emulator.user("ada").enroll_authenticator_app();
    let tracked = track(&bench, "withdrawal", far).await;
    assert_eq!(tracked["state"], "CHALLENGE_REQUIRED", "the one with the smaller number");
    assert_eq!(tracked["allowedVerificationMethods"], json!(["EMAIL_OTP"]));
    let (_, action) = bench.get("/users/ada/actions/withdrawal/k").await;
    let names: Vec<_> = action["rules"].as_array().unwrap().iter().map(|rule| text(&rule["name"])).collect();
    assert_eq!(names, ["Big"], "what is not known to be elsewhere is not: the network of that address is unknown");
    assert_eq!((&action["priorityRuleId"], &action["ruleIds"]), (&action["rules"][0]["ruleId"], &tracked["ruleIds"]));
    assert_eq!(action["output"]["custom.amount"], 5000);
}

#[tokio::test]
async fn a_review_waits_for_its_operator() {
    let elsewhere = Network::new("198.51.100.0/24").country_code("AU");
    let bench = bench_of(tenant().network(elsewhere)).await;
    let far = json!({ "ipAddress": "198.51.100.7", "idempotencyKey": "k" });
    let tracked = track(&bench, "withdrawal", far).await;
    assert_eq!((text(&tracked["state"]), &tracked["ruleIds"]), ("REVIEW_REQUIRED", &json!([TRAVEL])));
    let token = text(&tracked["token"]);
    assert_eq!(bench.validate(token).await["isValid"], false);
    let (_, row) = bench.get("/users/ada/actions").await;
    assert_eq!(row[0]["countryCode"], "AU");
    bench.emulator.set_state("ada", "withdrawal", "k", "REVIEW_SUCCEEDED".into()).unwrap();
    assert_eq!(bench.validate(token).await["state"], "REVIEW_SUCCEEDED");
}

#[tokio::test]
async fn devices_are_new_once_and_remembered_for_a_while() {
    let bench = bench_of(tenant()).await;
    let on = json!({ "deviceId": "d" });
    assert_eq!(track(&bench, "login", on.clone()).await["state"], "BLOCK", "new");
    assert_eq!(track(&bench, "login", on.clone()).await["state"], "CHALLENGE_REQUIRED", "known");
    let path = "/users/ada/devices/d";
    bench.patch(path, json!({ "rememberedUntil": "2026-01-15T11:00:00.000Z" })).await;
    assert_eq!(track(&bench, "login", on.clone()).await["state"], "ALLOW", "remembered");
    bench.advance(3600);
    assert_eq!(track(&bench, "login", on.clone()).await["state"], "CHALLENGE_REQUIRED", "not any more");
    bench.post(&format!("{path}/invalidate"), json!({})).await;
    assert_eq!(track(&bench, "login", on).await["state"], "BLOCK", "as good as new");
}

/// A method that isn't allowed proves nothing, whoever has it.
#[tokio::test]
async fn an_action_names_its_methods() {
    let only = ActionSettings::new().methods([VerificationMethod::AuthenticatorApp]);
    let bench = bench_of(tenant().action("pay", only)).await;
    let tracked = track(&bench, "pay", json!({ "redirectUrl": "https://a.example/" })).await;
    assert_eq!(tracked["allowedVerificationMethods"], json!(["AUTHENTICATOR_APP"]));
    assert!(bench.emulator.succeed(text(&tracked["url"])).is_err(), "ada has no app");
    bench.emulator.user("ada").enroll_authenticator_app();
    assert!(bench.emulator.succeed(text(&tracked["url"])).is_ok());
}

#[tokio::test]
async fn codes_and_limits_are_the_tenants() {
    let patient = Limits::new().email_otp(2);
    let bench = bench_of(tenant().verification_code_length(8).limits(patient)).await;
    let send = || json!({ "verificationMethod": "EMAIL_OTP", "action": "login", "email": "ada@example.com" });
    for _ in 0..2 {
        assert_eq!(bench.post("/challenge", send()).await.0, 200);
    }
    assert_eq!(bench.post("/challenge", send()).await.0, 429);
    assert_eq!(bench.emulator.messages()[0].code.as_ref().unwrap().len(), 8);
}

#[tokio::test]
async fn a_file_sets_all_of_it_up() {
    let config = Config::from_toml(
        r#"
        [server]
        secret = "from-the-file"

        [tenant]
        id = "11111111-2222-4333-8444-555555555555"
        recovery_codes = false

        [actions.delete]
        outcome = "BLOCK"

        [[users]]
        id = "grace"
        phone_number = "+64270000000"
        methods = ["SMS"]
        "#,
    )
    .unwrap();
    let emulator = Emulator::builder().config(&config).start().await.unwrap();
    assert_eq!(emulator.secret(), "from-the-file");
    assert_eq!(emulator.tenant_id(), "11111111-2222-4333-8444-555555555555");
    let client = emulator.client();
    assert_eq!(client.track("grace", "delete").await.unwrap().state.as_str(), "BLOCK");
    let grace = client.get_user("grace").await.unwrap();
    assert_eq!(grace.enrolled_verification_methods, [VerificationMethod::Sms]);
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_at_the_start() {
    for (tenant, why) in [
        (Tenant::new().verification_code_length(11), "verification_code_length"),
        (Tenant::new().webhook_url("ftp://example.com"), "webhook"),
    ] {
        let refused = Emulator::builder().tenant(tenant).start().await.unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::InvalidInput);
        assert!(refused.to_string().contains(why), "{refused}");
    }
}
