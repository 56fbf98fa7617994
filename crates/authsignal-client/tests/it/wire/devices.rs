//! What goes over the wire for devices, and what comes back.
use std::time::{Duration, SystemTime};

use authsignal_client::{UpdateDevice, VerificationMethod};
use serde_json::json;

use super::answering;

const ALL: &str = r#"{"userId":"user-1","deviceId":"d-1","createdAt":"2026-01-15T10:00:00.000Z",
    "authenticatedAt":"2026-01-15T10:00:30.000Z","invalidatedAt":"2026-02-01T00:00:00.000Z",
    "rememberedUntil":"2026-02-15T10:00:00.000Z","lastVerificationMethod":"EMAIL_OTP"}"#;

#[tokio::test]
async fn devices() {
    let bare = r#"{"userId":"user-1","deviceId":"d-2","createdAt":"t"}"#;
    let server = answering(&format!("[{ALL},{bare}]")).await;
    let devices = server.client().get_devices("user-1").await.unwrap();
    assert_eq!(server.requests()[0].target(), "GET /v1/users/user-1/devices");
    let [all, bare] = &devices[..] else { panic!("{devices:?}") };
    assert_eq!((all.user_id.as_str(), all.device_id.as_str()), ("user-1", "d-1"));
    assert_eq!(all.created_at.as_str(), "2026-01-15T10:00:00.000Z");
    assert_eq!(all.authenticated_at.as_ref().unwrap().as_str(), "2026-01-15T10:00:30.000Z");
    assert_eq!(all.invalidated_at.as_ref().unwrap().as_str(), "2026-02-01T00:00:00.000Z");
    assert_eq!(all.remembered_until.as_ref().unwrap().as_str(), "2026-02-15T10:00:00.000Z");
    assert_eq!(all.last_verification_method, Some(VerificationMethod::EmailOtp));
    assert!(bare.authenticated_at.is_none() && bare.invalidated_at.is_none() && bare.remembered_until.is_none());
    assert!(bare.last_verification_method.is_none());
    assert!(answering("[]").await.client().get_devices("user-1").await.unwrap().is_empty());
}

/// What forgets is a `null` that is sent.
#[tokio::test]
async fn a_device_is_remembered_and_forgotten() {
    let server = answering(ALL).await;
    let client = server.client();
    let moment = SystemTime::UNIX_EPOCH + Duration::from_millis(1_771_149_600_000);
    client.update_device("user-1", "d-1", moment).await.unwrap();
    client.update_device("user-1", "d-1", UpdateDevice::remembered_until(moment)).await.unwrap();
    client.update_device("user-1", "d-1", Some(moment)).await.unwrap();
    client.update_device("user-1", "d-1", UpdateDevice::forgotten()).await.unwrap();
    let device = client.update_device("user-1", "d-1", None).await.unwrap();
    assert_eq!(device.device_id, "d-1");
    let requests = server.requests();
    assert!(requests.iter().all(|request| request.target() == "PATCH /v1/users/user-1/devices/d-1"));
    let until = json!({"rememberedUntil": "2026-02-15T10:00:00.000Z"});
    assert!(requests[..3].iter().all(|request| request.json() == until), "{requests:?}");
    assert!(requests[3..].iter().all(|request| request.body == r#"{"rememberedUntil":null}"#), "{requests:?}");
}

#[tokio::test]
async fn a_device_is_invalidated() {
    let server = answering(ALL).await;
    let device = server.client().invalidate_device("user-1", "d-1").await.unwrap();
    assert!(device.invalidated_at.is_some());
    let sent = &server.requests()[0];
    assert_eq!(sent.target(), "POST /v1/users/user-1/devices/d-1/invalidate");
    assert_eq!((sent.body.as_str(), sent.header("content-length")), ("", Some("0")));
}
