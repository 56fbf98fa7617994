//! The table that each language fills.

macro_rules! words {
    ($($name:ident)+) => {
        /// All texts of one language.
        #[derive(Debug)]
        pub(crate) struct Words { $(pub(crate) $name: &'static str),+ }

        #[cfg(test)]
        impl Words {
            pub(super) fn all(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($name), self.$name)),+]
            }
        }
    };
}

words! {
    lang
    // Over the heading.
    confirm_its_you set_up confirmed nothing_to_confirm not_possible not_confirmed bad_link your_settings
    // Found everywhere.
    yes no second seconds minute minutes hour hours
    confirm cancel not_now go_on go_back done afterwards other_ways use_another lost_access
    // The methods: what they are called, and what they are like.
    email_otp email_otp_hint magic_link magic_link_hint sms sms_hint whatsapp whatsapp_hint app app_hint
    passkey passkey_hint security_key security_key_hint push push_hint qr_code qr_code_hint
    recovery_code other_method
    choose choose_first choose_more choose_offered offer_heading
    // Codes.
    code_sent code_label send_again sent_again
    app_ask app_label app_scan app_image cant_scan type_key
    recovery_ask recovery_label
    wrong_code too_many_guesses too_many_messages not_sent vetoed not_asked
    // Addresses.
    email_label number_label number_hint address_gets_code address_gets_link number_gets_code number_gets_whatsapp
    send_code send_link bad_email bad_number change_address change_number
    // Links.
    link_sent link_opened link_again link_sent_again link_unopened link_void waiting
    // Phones.
    push_sent push_again push_sent_again qr_ask qr_image qr_again qr_scanned qr_stranger phone_unanswered
    phone_set_up phone_missing i_have_done_it
    // Passkeys and security keys.
    passkey_ask passkey_use passkey_new passkey_create key_ask key_use key_new key_create
    key_cancelled key_known key_unsupported key_needs_script key_refused key_elsewhere key_missing
    // Recovery codes.
    codes_once codes_file codes_saved
    // The settings.
    methods_heading methods_intro default_tag make_default remove remove_ask keep add
    only_one added removed made_default
    // The end.
    already_confirmed reviewed carry_on blocked failed review_required review_refused cant_here takes_another
    thank_you nothing_confirmed close_window back_to_where
    expired_heading expired bad_heading bad
    // The emulator's panel.
    emulator message_to sent_really app_shows app_really open_link link_really phone_asks phone_asked_really
    approve decline scan_as scan phone_new phone_pair recovery_shown recovery_left localhost_why localhost_open
    by_hand fail expire dashboard_has dashboard_open
}
