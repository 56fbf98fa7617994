//! Users, their methods, devices and attempts, as the Server API shows and changes them.
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Bench, bench, read, text};

impl Bench {
    pub(crate) async fn patch(&self, path: &str, body: Value) -> (u16, Value) {
        read(self.api(Method::PATCH, path).json(&body).send().await.unwrap()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> (u16, Value) {
        read(self.api(Method::DELETE, path).send().await.unwrap()).await
    }
}

#[tokio::test]
async fn a_user_is_made_and_changed_by_what_is_named() {
    let bench = bench().await;
    let all = json!({
        "email": "ada@example.com", "emailVerified": true, "phoneNumber": "+64270000000", "phoneNumberVerified": false,
        "username": "ada", "displayName": "Ada L.", "locale": "en-NZ", "custom": { "tier": "gold", "age": 36 },
        "defaultVerificationMethod": "SMS",
    });
    let (status, made) = bench.patch("/users/ada", all.clone()).await;
    let mut expected = all;
    expected["userId"] = json!("ada");
    assert_eq!((status, &made), (200, &expected));

    let (_, changed) = bench.post("/users/ada", json!({ "displayName": "Ada", "custom": { "age": 37 } })).await;
    assert_eq!((&changed["displayName"], &changed["email"]), (&json!("Ada"), &expected["email"]));
    assert_eq!(changed["custom"], json!({ "tier": "gold", "age": 37 }));
    let (_, read) = bench.get("/users/ada").await;
    for member in ["email", "emailVerified", "phoneNumber", "username", "displayName", "locale", "custom"] {
        assert_eq!(read[member], changed[member], "{member}");
    }
    assert_eq!(read["isEnrolled"], false);

    let (_, moved) = bench.patch("/users/ada", json!({ "email": "ada@work.example" })).await;
    assert_eq!(moved["emailVerified"], false, "another address is not verified");
}

#[tokio::test]
async fn methods_follow_a_verified_address() {
    let bench = bench().await;
    let user = bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    assert!(user.is_enrolled());
    bench.patch("/users/ada", json!({ "email": "new@example.com" })).await;
    assert_eq!(bench.get("/users/ada/authenticators").await.1[0]["email"], "ada@example.com");
    bench.patch("/users/ada", json!({ "email": "new@example.com", "emailVerified": true })).await;
    assert_eq!(bench.get("/users/ada/authenticators").await.1[0]["email"], "new@example.com");
}

#[tokio::test]
async fn users_are_found_page_by_page() {
    let bench = bench().await;
    for number in 0..25 {
        bench
            .patch(&format!("/users/u{number:02}"), json!({ "username": "twin", "phoneNumber": "+64270000000" }))
            .await;
    }
    bench.patch("/users/other", json!({ "email": "a+b@example.com" })).await;
    let (status, first) = bench.get("/users?username=twin").await;
    assert_eq!((status, first["users"].as_array().unwrap().len()), (200, 20));
    assert_eq!(first["lastEvaluatedUserId"], "u19");
    let (_, second) = bench.get("/users?phoneNumber=%2B64270000000&username=twin&lastEvaluatedUserId=u19").await;
    assert_eq!(second["users"].as_array().unwrap().len(), 5);
    assert!(second.get("lastEvaluatedUserId").is_none(), "the last page");
    assert_eq!(bench.get("/users?username=twin&limit=25").await.1.get("lastEvaluatedUserId"), None);

    let (_, found) = bench.get("/users?email=a%2Bb%40example.com").await;
    let user = &found["users"][0];
    assert_eq!((&user["userId"], &user["isEnrolled"]), (&json!("other"), &json!(false)));
    assert_eq!((&user["emailVerified"], &user["phoneNumberVerified"]), (&json!(false), &json!(false)));
    assert_eq!(user["createdAt"], "2026-01-15T10:00:00.000Z");
    assert_eq!(bench.get("/users?email=nobody%40example.com").await, (200, json!({ "users": [] })));

    let (_, by_token) = bench.get("/users?token=e30.eyJlbWFpbCI6ImErYkBleGFtcGxlLmNvbSJ9.x").await;
    assert_eq!(
        (&by_token["users"][0]["userId"], text(&by_token["tokenPayload"]["email"])),
        (&json!("other"), "a+b@example.com")
    );

    for query in [
        "",
        "?limit=10",
        "?username=",
        "?username=a&limit=0",
        "?username=a&limit=101",
        "?username=a&limit=x",
        "?token=x",
    ] {
        let (status, answer) = bench.get(&format!("/users{query}")).await;
        assert_eq!((status, &answer["errorCode"]), (400, &json!("invalid_request")), "{query}");
    }
}

#[tokio::test]
async fn deleting() {
    let bench = bench().await;
    for query in ["", "?actions=true"] {
        bench.emulator.user("ada").enroll_email_otp("ada@example.com");
        let key = bench.track().await["idempotencyKey"].clone();
        assert_eq!(bench.delete(&format!("/users/ada{query}")).await, (200, json!({ "success": true })));
        let action = bench.get(&format!("/users/ada/actions/withdrawal/{}", text(&key))).await;
        assert_eq!(action.0, if query.is_empty() { 200 } else { 404 }, "{query}");
        assert_eq!(bench.get("/users/ada").await.1["isEnrolled"], false);
    }
    assert_eq!(bench.delete("/users/nobody").await.0, 200);
}

#[tokio::test]
async fn methods_are_listed_and_removed() {
    let bench = bench().await;
    assert_eq!(bench.get("/users/nobody/authenticators").await, (200, json!([])));
    let path = "/users/ada/authenticators";
    for body in [
        json!({ "verificationMethod": "EMAIL_OTP", "email": "ada@example.com" }),
        json!({ "verificationMethod": "WHATSAPP", "phoneNumber": "+64270000000", "isDefault": true }),
    ] {
        assert_eq!(bench.post(path, body).await.0, 200);
    }
    let (_, listed) = bench.get(path).await;
    let methods: Vec<_> = listed.as_array().unwrap().iter().map(|one| text(&one["verificationMethod"])).collect();
    assert_eq!(methods, ["EMAIL_OTP", "WHATSAPP"]);
    assert_eq!((&listed[1]["isDefault"], text(&listed[1]["userId"])), (&json!(true), "ada"));
    assert_eq!(bench.get("/users/ada").await.1["defaultVerificationMethod"], "WHATSAPP");

    let one = format!("{path}/{}", text(&listed[1]["userAuthenticatorId"]));
    assert_eq!(bench.delete(&one).await, (200, json!({ "success": true })));
    assert_eq!(bench.delete(&one).await.0, 404);
    assert_eq!(bench.get(path).await.1.as_array().unwrap().len(), 1);

    let (_, offered) = bench.get("/authenticators").await;
    let sms = offered.as_array().unwrap().iter().find(|one| one["verificationMethod"] == "SMS").unwrap();
    assert_eq!((&sms["isActive"], text(&sms["smsChannel"])), (&json!(true), "DEFAULT"));
}

#[tokio::test]
async fn devices_appear_with_a_track() {
    let bench = bench().await;
    assert_eq!(bench.get("/users/nobody/devices").await, (200, json!([])));
    bench.track_with(json!({ "deviceId": "d/1" })).await;
    let (_, devices) = bench.get("/users/ada/devices").await;
    let expected = json!({ "userId": "ada", "deviceId": "d/1", "createdAt": "2026-01-15T10:00:00.000Z" });
    assert_eq!(devices, json!([expected]));

    let path = "/users/ada/devices/d%2F1";
    let until = "2026-02-15T10:00:00.000Z";
    let (status, remembered) = bench.patch(path, json!({ "rememberedUntil": until })).await;
    assert_eq!((status, text(&remembered["rememberedUntil"])), (200, until));
    let (_, forgotten) = bench.patch(path, json!({ "rememberedUntil": null })).await;
    assert_eq!(forgotten, expected);
    for body in [json!({}), json!({ "rememberedUntil": "2026-01-15T10:00:00.000Z" }), json!({ "rememberedUntil": 7 })] {
        assert_eq!(bench.patch(path, body.clone()).await.0, 400, "{body}");
    }
    let invalid = read(bench.api(Method::POST, &format!("{path}/invalidate")).send().await.unwrap()).await;
    assert_eq!(text(&invalid.1["invalidatedAt"]), "2026-01-15T10:00:00.000Z");
    assert_eq!(bench.patch("/users/ada/devices/x", json!({ "rememberedUntil": null })).await.0, 404);
}

#[tokio::test]
async fn attempts_are_queried_and_decided() {
    let bench = bench().await;
    for (action, key) in [("pay", "1"), ("sign-in", "2"), ("pay", "3")] {
        let facts = json!({ "idempotencyKey": key, "ipAddress": "203.0.113.42", "userAgent": "Mozilla/5.0" });
        bench.post(&format!("/users/ada/actions/{action}"), facts).await;
        bench.advance(60);
    }
    let keys = |answer: (u16, Value)| -> Vec<String> {
        assert_eq!(answer.0, 200, "{}", answer.1);
        answer.1.as_array().unwrap().iter().map(|one| text(&one["idempotencyKey"]).to_owned()).collect()
    };
    assert_eq!(keys(bench.get("/users/ada/actions").await), ["3", "2", "1"], "newest first");
    assert_eq!(keys(bench.get("/users/ada/actions?codes=pay").await), ["3", "1"]);
    assert_eq!(keys(bench.get("/users/ada/actions?codes=sign-in,other").await), ["2"]);
    assert_eq!(keys(bench.get("/users/ada/actions?fromDate=2026-01-15T10:01:00.000Z").await), ["3", "2"]);
    assert_eq!(keys(bench.get("/users/nobody/actions").await), [""; 0]);

    let one = "/users/ada/actions/pay/3";
    let (status, decided) = bench.patch(one, json!({ "state": "REVIEW_REQUIRED", "custom": { "a": 1 } })).await;
    assert_eq!((status, text(&decided["state"])), (200, "REVIEW_REQUIRED"));
    assert!(decided["output"].is_object());
    assert_eq!(keys(bench.get("/users/ada/actions?state=REVIEW_REQUIRED").await), ["3"]);
    let row = &bench.get("/users/ada/actions").await.1[0];
    assert_eq!(
        (text(&row["actionCode"]), text(&row["ipAddress"]), text(&row["userAgent"])),
        ("pay", "203.0.113.42", "Mozilla/5.0")
    );
    assert_eq!(text(&row["stateUpdatedAt"]), "2026-01-15T10:03:00.000Z");

    bench.advance(30 * 24 * 60 * 60 - 60);
    assert_eq!(keys(bench.get("/users/ada/actions?fromDate=2020-01-01T00:00:00Z").await), ["3"], "30 days at most");
    for (path, body, status) in [
        (one, json!({ "state": "REVIEW" }), 400),
        (one, json!({}), 400),
        ("/users/ada/actions/pay/x", json!({ "state": "BLOCK" }), 404),
    ] {
        assert_eq!(bench.patch(path, body.clone()).await.0, status, "{path} {body}");
    }
    for query in ["?state=REVIEW", "?fromDate=yesterday"] {
        assert_eq!(bench.get(&format!("/users/ada/actions{query}")).await.0, 400, "{query}");
    }
}
