//! What Chromium 156 gave with a virtual authenticator, recorded: the software key is our own idea of a browser.
use super::*;

const MADE: &str = r#"{
 "authenticatorAttachment": "platform",
 "clientExtensionResults": {},
 "id": "YLmi4Cw23FhPJBiofN4n68-kN58kohGPmd9unuXqhJo",
 "rawId": "YLmi4Cw23FhPJBiofN4n68-kN58kohGPmd9unuXqhJo",
 "response": {
  "attestationObject": "o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YVikSZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2NFAAAAAQECAwQFBgcIAQIDBAUGBwgAIGC5ouAsNtxYTyQYqHzeJ-vPpDefJKIRj5nfbp7l6oSapQECAyYgASFYIFcNyMcstXpO5NznJQKvVMvLxsclIiQ3ZyaILuGhKM86IlggfIQBrVqE1k_LH2Tx4qyfkhbBPYxgvUxH7kFQHlm-0FQ",
  "authenticatorData": "SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2NFAAAAAQECAwQFBgcIAQIDBAUGBwgAIGC5ouAsNtxYTyQYqHzeJ-vPpDefJKIRj5nfbp7l6oSapQECAyYgASFYIFcNyMcstXpO5NznJQKvVMvLxsclIiQ3ZyaILuGhKM86IlggfIQBrVqE1k_LH2Tx4qyfkhbBPYxgvUxH7kFQHlm-0FQ",
  "clientDataJSON": "eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIiwiY2hhbGxlbmdlIjoieXdHTWI4b2hadnRWZDA5WFhfaVRRQWFfNllHeFpyMHcyUk5xYWFJSXI3dyIsIm9yaWdpbiI6Imh0dHA6Ly9sb2NhbGhvc3Q6MzI5MzkiLCJjcm9zc09yaWdpbiI6ZmFsc2V9",
  "publicKey": "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEVw3Ixyy1ek7k3OclAq9Uy8vGxyUiJDdnJogu4aEozzp8hAGtWoTWT8sfZPHirJ-SFsE9jGC9TEfuQVAeWb7QVA",
  "publicKeyAlgorithm": -7,
  "transports": [
   "internal"
  ]
 },
 "type": "public-key"
}"#;

const GOT: &str = r#"{
 "authenticatorAttachment": "platform",
 "clientExtensionResults": {},
 "id": "YLmi4Cw23FhPJBiofN4n68-kN58kohGPmd9unuXqhJo",
 "rawId": "YLmi4Cw23FhPJBiofN4n68-kN58kohGPmd9unuXqhJo",
 "response": {
  "authenticatorData": "SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2MFAAAAAg",
  "clientDataJSON": "eyJ0eXBlIjoid2ViYXV0aG4uZ2V0IiwiY2hhbGxlbmdlIjoiWTVXbHAzNUdrSGdMVWlELV81X0RyYVdsMWJCR3BLaDNoa3k2RlN1dlFHdyIsIm9yaWdpbiI6Imh0dHA6Ly9sb2NhbGhvc3Q6MzI5MzkiLCJjcm9zc09yaWdpbiI6ZmFsc2V9",
  "signature": "MEUCIQDkt-PI6vbEoOEzfgRNJPIqKT20gKNN1tr_7p_fFnzgdQIgNi-OZzHmzF-XtIursnguy3FH7a0kzeS3vZnMxxZchqk",
  "userHandle": "YWRh"
 },
 "type": "public-key"
}"#;

/// Begun by this crate, and kept as JSON until the browser answered.
const REGISTRATION: &str = r#"{
 "allow_synchronised_authenticators": true,
 "authenticator_attachment": "platform",
 "challenge": "ywGMb8ohZvtVd09XX_iTQAa_6YGxZr0w2RNqaaIIr7w",
 "credential_algorithms": [
  "ES256",
  "RS256"
 ],
 "exclude_credentials": [],
 "extensions": {
  "credProps": true,
  "uvm": true
 },
 "policy": "required",
 "require_resident_key": true
}"#;
const AUTHENTICATION: &str = r#"{
 "allowed": [],
 "state": {
  "allow_backup_eligible_upgrade": false,
  "appid": null,
  "challenge": "Y5Wlp35GkHgLUiD-_5_DraWl1bBGpKh3hky6FSuvQGw",
  "credentials": [],
  "policy": "required"
 }
}"#;

#[test]
fn a_browser_is_understood() {
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let begun: Registration = serde_json::from_str(REGISTRATION).unwrap();
    let credential = site().register(&begun, &read(MADE), |_| false).unwrap();
    assert_eq!(credential.aaguid.unwrap().to_string(), "01020304-0506-0708-0102-030405060708");
    assert_eq!(credential.attachment, Some(AuthenticatorAttachment::Platform));
    assert_eq!(credential.transports(), ["internal"]);
    let begun: Authentication = serde_json::from_str(AUTHENTICATION).unwrap();
    let known = |id: &str| (id == credential.id()).then_some(("ada", &credential));
    assert_eq!(site().authenticate(&begun, &read(GOT), known).unwrap().credential.counter(), 2);
    let custom = RelyingParty::new("app.test", vec![Url::parse("https://app.test").unwrap()], "Emulator");
    assert!(custom.authenticate(&begun, &read(GOT), known).is_err());
}
