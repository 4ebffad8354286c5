//! Licences as people have them in their hands: serials, signed files, and the commands for both.

use proptest::prelude::*;
use realmwright::licence::{Basis, Distrust, Entitlement, LicenceTerms, Serial};
use realmwright::seal::{ImportToken, LicenceFile, SigningKey, TrustedKeys};
use realmwright::state::sealed;
use realmwright::state::secret::Secrets;
use serde_json::{Value, json};

use crate::ledger::{File, post, realmwright};
use crate::support::signing_key;

fn signing(pem: &str) -> SigningKey {
    SigningKey::from_pem(&pem.to_owned().into()).unwrap()
}

fn licence() -> LicenceFile {
    let quantities = [("users".to_owned(), 50), ("vpn-months".to_owned(), 36)].into();
    let licence = LicenceTerms {
        serial: Serial::new(1).to_string(),
        dealer: None,
        recipient: None,
        product: "assistant".into(),
        licence_type: "enterprise".into(),
        quantities,
        valid_from: Some(10),
        expiry: 20,
        renewal: Some(5),
        on_expiry: Default::default(),
    };
    LicenceFile { iat: 7, licence }
}

const SYMBOLS: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

proptest! {
    /// P19
    #[test]
    fn a_serial_is_read_as_it_was_made_however_it_is_typed(random: u128) {
        let serial = Serial::new(random);
        let text = serial.to_string();
        prop_assert_eq!(Serial::typed(&text), Ok(Some(serial)));
        let spoken = text.to_lowercase().replace('-', " ").replace('0', "o").replace('1', "l");
        prop_assert_eq!(Serial::typed(&spoken), Ok(Some(serial)));
    }

    #[test]
    fn one_wrong_symbol_or_two_that_changed_places_are_found(random: u128, at in 0usize..16, other in 0usize..16, symbol in 0usize..32) {
        let text: Vec<char> = Serial::new(random).to_string().replace('-', "").chars().collect();
        let typed = |symbols: &[char]| Serial::typed(&symbols.iter().collect::<String>());
        let mut wrong = text.clone();
        wrong[at] = SYMBOLS.chars().nth(symbol).unwrap();
        if wrong != text {
            prop_assert_eq!(typed(&wrong), Err(Distrust::Mistyped));
        }
        let mut swapped = text.clone();
        swapped.swap(at, other);
        if swapped != text {
            prop_assert_eq!(typed(&swapped), Err(Distrust::Mistyped));
        }
    }

    #[test]
    fn what_is_no_serial_and_no_statement_is_refused_and_nothing_more(text: String) {
        let (_, public) = signing_key();
        prop_assert!(TrustedKeys::from_pem(&public).unwrap().open::<LicenceFile>(&text).is_err());
        let _ = Serial::typed(&text);
        prop_assert!(TrustedKeys::from_pem(&text).is_err());
    }
}

/// P19
#[test]
fn no_bit_of_a_licence_file_can_be_changed() {
    let (private, public) = signing_key();
    let (signer, trusted) = (signing(&private), TrustedKeys::from_pem(&public).unwrap());
    let text = signer.sign(&licence()).unwrap();
    assert_eq!(trusted.open(&text), Ok(licence()));
    for (at, bit) in (0..text.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
        let mut bytes = text.clone().into_bytes();
        bytes[at] ^= 1 << bit;
        let changed = String::from_utf8_lossy(&bytes);
        assert!(trusted.open::<LicenceFile>(&changed).is_err(), "bit {bit} of byte {at}");
    }
    for length in 0..text.len() {
        assert!(trusted.open::<LicenceFile>(&text[..length]).is_err(), "cut off after {length}");
    }
}

fn entitlement() -> Entitlement {
    Entitlement {
        sub: "clinic".into(),
        environment: "test".into(),
        product: None,
        proof: Basis::Ledger,
        own_licences: true,
        licences: vec![licence().licence, LicenceTerms { product: "portal".into(), ..licence().licence }],
        limits: [("users".to_owned(), 50), ("assistant".to_owned(), 4)].into(),
    }
}

/// P19
#[test]
fn no_bit_of_an_entitlement_can_be_changed() {
    let (private, public) = signing_key();
    let (signer, trusted) = (signing(&private), TrustedKeys::from_pem(&public).unwrap());
    let text = signer.sign(&entitlement()).unwrap();
    assert_eq!(trusted.open_with_key(&text), Ok((signer.kid().to_owned(), entitlement())));
    assert_eq!(trusted.first(), signer.kid());
    // The same each time, so that a realm that has it is as it should be.
    assert_eq!(signer.sign(&entitlement()).unwrap(), text);
    for (at, bit) in (0..text.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
        let mut bytes = text.clone().into_bytes();
        bytes[at] ^= 1 << bit;
        assert!(trusted.open::<Entitlement>(&String::from_utf8_lossy(&bytes)).is_err(), "bit {bit} of byte {at}");
    }
    assert_eq!(trusted.open::<LicenceFile>(&text), Err(Distrust::OtherType));
    let of_product = entitlement().of_product("assistant");
    assert_eq!((of_product.licences.len(), of_product.limits.len()), (1, 1));
}

/// A plan has what is signed and no signature; the body of a request has the signature.
#[test]
fn what_is_sealed_is_signed_where_it_is_written_and_nowhere_else() {
    let (private, public) = signing_key();
    let signer = signing(&private);
    let node = sealed::node(signer.kid(), &entitlement());
    let body = serde_json::json!({"attributes": {"a": node, "b": "c"}});
    let mut secrets = Secrets::default();
    assert!(secrets.reveal(&body).is_err());
    secrets.sign_with(signing(&signing_key().0));
    assert!(secrets.reveal(&body).is_err(), "another key");
    secrets.sign_with(signer);
    let written = secrets.reveal(&body).unwrap();
    let trusted = TrustedKeys::from_pem(&public).unwrap();
    assert_eq!(trusted.open(written["attributes"]["a"].as_str().unwrap()), Ok(entitlement()));
    assert_eq!(written["attributes"]["b"], "c");
}

#[test]
fn only_what_a_trusted_key_signed_as_a_licence_is_one() {
    let ((private, public), (other_private, other_public)) = (signing_key(), signing_key());
    let trusted = TrustedKeys::from_pem(&public).unwrap();
    let (text, foreign) =
        (signing(&private).sign(&licence()).unwrap(), signing(&other_private).sign(&licence()).unwrap());
    assert_eq!(trusted.open::<LicenceFile>(&foreign), Err(Distrust::UnknownKey));
    // While one key follows the other, both are trusted.
    let both = TrustedKeys::from_pem(&format!("{public}\n{other_public}")).unwrap();
    assert_eq!(both.open(&text), both.open::<LicenceFile>(&foreign));
    assert!(both.open::<LicenceFile>(&text).is_ok());
    // What was signed by one key passes not as signed by the other.
    let parts = |text: &str| text.split('.').map(str::to_owned).collect::<Vec<_>>();
    let (ours, theirs) = (parts(&text), parts(&foreign));
    let mixed = [&ours[0], &ours[1], &theirs[2]].map(String::as_str).join(".");
    assert_eq!(both.open::<LicenceFile>(&mixed), Err(Distrust::Signature));

    let token = signing(&private).sign(&ImportToken { iat: 1, exp: 601, jti: "t".into(), to: "acme".into() }).unwrap();
    assert_eq!(trusted.open::<LicenceFile>(&token), Err(Distrust::OtherType));
    assert_eq!(trusted.open::<ImportToken>(&text), Err(Distrust::OtherType));
}

#[test]
fn the_algorithm_is_not_for_the_file_to_choose() {
    use base64::Engine;
    let (private, public) = signing_key();
    let trusted = TrustedKeys::from_pem(&public).unwrap();
    let (kid, text) = (signing(&private).kid().to_owned(), signing(&private).sign(&licence()).unwrap());
    let rest = text.split_once('.').unwrap().1;
    let with = |header: &str| {
        let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(header.replace("KID", &kid));
        trusted.open::<LicenceFile>(&format!("{header}.{rest}"))
    };
    assert_eq!(with(r#"{"typ":"licence+jwt","alg":"HS256","kid":"KID"}"#), Err(Distrust::Algorithm));
    assert_eq!(with(r#"{"typ":"licence+jwt","alg":"ES256","kid":"KID"}"#), Err(Distrust::Algorithm));
    assert_eq!(with(r#"{"typ":"licence+jwt","alg":"none","kid":"KID"}"#), Err(Distrust::Malformed));
    assert_eq!(with(r#"{"typ":"licence+jwt","alg":"EdDSA"}"#), Err(Distrust::Malformed));
    assert_eq!(
        with(r#"{"typ":"licence+jwt","alg":"EdDSA","kid":"KID","crit":["b64"],"b64":false}"#),
        Err(Distrust::Malformed)
    );
    assert_eq!(
        with(r#"{"typ":"licence+jwt","alg":"EdDSA","kid":"KID","jwk":{"kty":"OKP","crv":"Ed25519","x":"AA"}}"#),
        Err(Distrust::Malformed)
    );
}

#[test]
fn a_signed_statement_says_nothing_that_is_not_known() {
    let (private, public) = signing_key();
    let trusted = TrustedKeys::from_pem(&public).unwrap();
    let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::EdDSA);
    header.typ = Some("licence+jwt".into());
    header.kid = Some(signing(&private).kid().into());
    let mut claims = serde_json::to_value(licence()).unwrap();
    claims["nbf"] = 0.into();
    let private = jsonwebtoken::EncodingKey::from_ed_pem(private.as_bytes()).unwrap();
    let text = jsonwebtoken::encode(&header, &claims, &private).unwrap();
    assert_eq!(trusted.open::<LicenceFile>(&text), Err(Distrust::Malformed));
}

/// A ledger with a dealer and an organization below it, with the keys beside it.
fn shop() -> File {
    let file = File::new();
    let (private, public) = signing_key();
    std::fs::write(file.0.path().join("signing.pem"), private).unwrap();
    std::fs::write(file.0.path().join("trusted.pem"), public).unwrap();
    let (code, _, told) = post(
        &file,
        r#"
{"command": {"do": "define-resource", "resource": "users", "measure": "gauge"}}
{"command": {"do": "define-resource", "resource": "devices", "measure": "gauge"}}
{"command": {"do": "define-resource", "resource": "vpn-months", "measure": "counter"}}
{"command": {"do": "create", "organization": "acme", "ownLicences": true, "dealer": true}}
{"command": {"do": "issue", "serial": "AS-1", "quantities": {"users": 100, "devices": 4, "organizations": 9}, "expiry": 99999999999}}
{"command": {"do": "redeem", "organization": "acme", "serial": "AS-1"}}
{"command": {"do": "create", "organization": "clinic", "parent": "acme", "ownLicences": true}}
{"command": {"do": "create", "organization": "branch", "parent": "acme", "grants": {"devices": 1}}}
"#,
    );
    assert_eq!(code, 0, "{told}");
    file
}

fn run(file: &File, line: &str) -> (i32, String, String) {
    realmwright(file, &line.split(' ').collect::<Vec<_>>())
}

/// Exit code and both outputs, the serial of the licence left out.
fn told(file: &File, line: &str, serial: &str) -> String {
    let (code, data, talk) = run(file, line);
    format!("{data}---\n{talk}exit {code}").replace(serial, "SERIAL")
}

const ISSUE: &str = "licence issue --product assistant --type enterprise --quantity users=50 --quantity vpn-months=36 \
                     --valid-until 2999-12-31 --auto-renew 365 --dealer acme --signing-key signing.pem";

#[test]
fn a_licence_is_issued_shown_redeemed_and_ended() {
    let file = shop();
    // Counters are sold out of what the dealer has, too.
    let (code, _, talk) = run(&file, ISSUE);
    assert_eq!(code, 3);
    insta::assert_snapshot!(talk, @r"
    error: refused: [quota] `acme` has not enough of `vpn-months`: 36 missing
    hint: of 0 it uses 0 itself, shares 0 and sold 0: redeem a licence, or free some
    ");
    let line = ISSUE.replace(" --quantity vpn-months=36", "") + " --request order-7 --file a.licence";
    let (code, serial, talk) = run(&file, &line);
    assert_eq!(code, 0, "{talk}");
    let serial = serial.trim();
    let told = |line: &str| told(&file, &line.replace("SERIAL", serial), serial);
    // The same request again gives the same serial.
    assert!(told(&line).starts_with("SERIAL\n---"));
    insta::assert_snapshot!(told("licence show SERIAL"), @r"
    licence SERIAL
      product    assistant
      type       enterprise
      releases   50 users
      valid      until 2999-12-31, renews itself every 365 days
      issued by  acme
      standing   issued
    ---
    exit 0
    ");
    let spoken = serial.to_lowercase().replace('-', "").replace('0', "o");
    assert_eq!(run(&file, &format!("licence show {spoken}")).0, 0);
    insta::assert_snapshot!(told("licence redeem SERIAL -o clinic"), @r"
    ---
    licence SERIAL
      product    assistant
      type       enterprise
      releases   50 users
      valid      until 2999-12-31, renews itself every 365 days
      issued by  acme
      standing   issued
    error: nobody can be asked here whether to go on
    hint: give --yes
    exit 64
    ");
    insta::assert_snapshot!(told("licence redeem SERIAL -o branch --yes"), @r"
    ---
    licence SERIAL
      product    assistant
      type       enterprise
      releases   50 users
      valid      until 2999-12-31, renews itself every 365 days
      issued by  acme
      standing   issued
    error: refused: [on-parents-resources] `branch` lives on its parent's resources; it can't redeem licences
    hint: what it has is granted by its parent
    exit 3
    ");
    insta::assert_snapshot!(told("licence redeem SERIAL -o acme --yes"), @r"
    ---
    licence SERIAL
      product    assistant
      type       enterprise
      releases   50 users
      valid      until 2999-12-31, renews itself every 365 days
      issued by  acme
      standing   issued
    error: refused: [own-issue] the licence `SERIAL` was issued within the pool of `acme` itself
    exit 3
    ");
    insta::assert_snapshot!(told("licence redeem SERIAL -o clinic --yes"), @r"
    ---
    licence SERIAL
      product    assistant
      type       enterprise
      releases   50 users
      valid      until 2999-12-31, renews itself every 365 days
      issued by  acme
      standing   issued
    licence SERIAL redeemed by clinic
    exit 0
    ");
    assert!(told("licence redeem SERIAL -o clinic --yes").contains("nothing to do"));
    insta::assert_snapshot!(told("resources clinic"), @r"
    clinic  own licences
        devices        0 left: 0 of 0 used (own 0, shared 0)
        organizations  0 left: 0 of 0 used (own 0, shared 0)
        users          50 left: 0 of 50 used (own 0, shared 0)
        vpn-months     0 left: 0 of 0 used (own 0, shared 0)
      licence SERIAL  50 users  redeemed until 2999-12-31, renews itself
    ---
    exit 0
    ");
    insta::assert_snapshot!(told("resources acme --format csv"), @r"
    organization,resource,remaining,limit,allocated,used,shared,licensed
    acme,devices,3,4,1,0,1,0
    acme,organizations,7,9,2,2,0,0
    acme,users,50,100,50,0,0,50
    acme,vpn-months,0,0,0,0,0,0
    ---
    exit 0
    ");
    insta::assert_snapshot!(told("licence list clinic --format csv"), @r"
    serial,product,type,resource,quantity,used,expires,auto_renew,issued_by,held_by,standing
    SERIAL,assistant,enterprise,users,50,0,3000-01-01T00:00:00Z,true,acme,clinic,redeemed
    ---
    exit 0
    ");
    assert_eq!(told("licence list acme").matches("SERIAL").count(), 1);
    insta::assert_snapshot!(told("licence renew SERIAL --until 2998-01-01"), @r"
    ---
    error: refused: [not-later] the licence `SERIAL` would not be valid for longer: a new end lies after the one that it has, and after now
    exit 3
    ");
    insta::assert_snapshot!(told("licence renew SERIAL --until tomorrow"), @r"
    ---
    error: `tomorrow` is not a day
    hint: write it as 2027-12-31, or an instant as 2027-12-31T18:00:00Z
    exit 64
    ");
    insta::assert_snapshot!(told("licence renew SERIAL --until 3001-01-01"), @r"
    ---
    licence SERIAL renewed
    exit 0
    ");
    insta::assert_snapshot!(told("licence revoke SERIAL"), @r"
    ---
    licence SERIAL revoked
    exit 0
    ");
    assert!(told("licence list clinic").contains("no licence that can be used"));
    assert!(told("licence list clinic --expired").contains("standing   revoked"));
    assert!(told("resources clinic --expired").contains("SERIAL"));
    insta::assert_snapshot!(told("licence redeem SERIAL -o clinic --yes"), @r"
    ---
    licence SERIAL
      product    assistant
      type       enterprise
      releases   50 users
      valid      until 3001-01-01, renews itself every 365 days
      issued by  acme
      standing   revoked
      held by    clinic
    nothing to do: it was so already
    exit 0
    ");
}

#[test]
fn a_serial_is_single_use_and_typing_errors_are_noted_down() {
    let file = shop();
    let serial = Serial::new(42).to_string();
    let issue = format!("licence issue --quantity users=1 --valid-until 2999-12-31 --serial {serial}");
    assert_eq!(run(&file, &issue).0, 0);
    insta::assert_snapshot!(told(&file, &issue, &serial), @r"
    ---
    error: refused: [serial-used] the serial `SERIAL` was used before; serials are never used again
    exit 3
    ");
    assert_eq!(run(&file, &format!("licence redeem {serial} -o acme -y")).0, 0);
    insta::assert_snapshot!(told(&file, &format!("licence redeem {serial} -o clinic -y"), &serial), @r"
    ---
    licence SERIAL
      product    none
      type       none
      releases   1 users
      valid      until 2999-12-31
      issued by  the platform
      standing   redeemed
      held by    acme
    error: refused: [already-redeemed] the licence `SERIAL` was redeemed by another organization
    exit 3
    ");
    let mut wrong = serial.clone().into_bytes();
    wrong.swap(0, 1);
    let wrong = String::from_utf8(wrong).unwrap();
    insta::assert_snapshot!(told(&file, &format!("licence redeem {wrong} -o clinic -y"), &wrong), @r"
    ---
    error: refused: [untrusted] the serial can't be believed: a symbol is wrong, or two changed places
    hint: compare it with what you were given; the attempt was noted down in the ledger
    exit 3
    ");
    insta::assert_snapshot!(told(&file, "licence redeem AS-9 -o clinic -y", "?"), @r"
    ---
    error: refused: [unknown-licence] there is no licence `AS-9`
    hint: compare it with what you were given; `realmwright licence list` shows all
    exit 3
    ");
    insta::assert_snapshot!(told(&file, "licence show AS-9", "?"), @r"
    ---
    error: there is no licence `AS-9`
    hint: compare it with what you were given; `realmwright licence list` shows all
    exit 64
    ");
    let log = run(&file, "ledger log --format json").1;
    for code in ["serial-used", "already-redeemed", "untrusted", "unknown-licence"] {
        assert!(log.contains(&format!(r#""code":"{code}""#)), "{code}");
    }
    assert_eq!(run(&file, "ledger verify").0, 0);
}

#[test]
fn a_licence_file_is_redeemed_where_nobody_can_be_asked() {
    let file = shop();
    let line = "licence issue --quantity users=7 --valid-until 2999-12-31 --signing-key signing.pem --file a.licence";
    let serial = run(&file, line).1.trim().to_owned();
    let verify = "licence verify a.licence --trusted-keys trusted.pem";
    insta::assert_snapshot!(told(&file, verify, &serial), @r"
    licence SERIAL
      product    none
      type       none
      releases   7 users
      valid      until 2999-12-31
      issued by  the platform
    ---
    it is genuine
    exit 0
    ");

    // A ledger of another place, which has never heard of it.
    let other = shop();
    let carry = |name: &str| std::fs::copy(file.0.path().join(name), other.0.path().join(name)).unwrap();
    carry("a.licence");
    let redeem = "licence redeem --file a.licence --trusted-keys trusted.pem -o acme --yes";
    insta::assert_snapshot!(told(&other, redeem, &serial), @r"
    ---
    error: refused: [untrusted] the licence file can't be believed: it is signed with a key that is not trusted
    hint: the attempt was noted down in the ledger; ask for the document again
    exit 3
    ");
    carry("trusted.pem");
    insta::assert_snapshot!(told(&other, redeem, &serial), @r"
    ---
    licence SERIAL
      product    none
      type       none
      releases   7 users
      valid      until 2999-12-31
      issued by  the platform
    licence SERIAL issued by the platform: 7 users
    licence SERIAL redeemed by acme
    exit 0
    ");
    assert!(told(&other, redeem, &serial).contains("nothing to do"));
    insta::assert_snapshot!(told(&other, &redeem.replace("acme", "clinic"), &serial), @r"
    ---
    licence SERIAL
      product    none
      type       none
      releases   7 users
      valid      until 2999-12-31
      issued by  the platform
    error: refused: [already-redeemed] the licence `SERIAL` was redeemed by another organization
    exit 3
    ");

    // One for a certain organization, where nobody can be asked who had it.
    let line = format!("{line} --recipient clinic");
    let bound = run(&file, &line).1.trim().to_owned();
    carry("a.licence");
    insta::assert_snapshot!(told(&other, redeem, &bound), @r"
    ---
    licence SERIAL
      product    none
      type       none
      releases   7 users
      valid      until 2999-12-31
      issued by  the platform, for clinic alone
    error: refused: [other-recipient] the licence `SERIAL` was issued for `clinic` alone
    exit 3
    ");
    assert_eq!(run(&other, &redeem.replace("acme", "clinic")).0, 0);

    // A file that says more than was issued under its serial, though it is genuine.
    let line = format!("{} --serial {serial}", line.replace("users=7", "users=8"));
    let (third, key) = (shop(), |name: &str| file.0.path().join(name));
    std::fs::copy(key("signing.pem"), third.0.path().join("signing.pem")).unwrap();
    assert_eq!(run(&third, &line).0, 0);
    std::fs::copy(third.0.path().join("a.licence"), other.0.path().join("a.licence")).unwrap();
    insta::assert_snapshot!(told(&other, redeem, &serial), @r"
    ---
    error: refused: [untrusted] the licence file can't be believed: another one was issued under its name
    hint: the attempt was noted down in the ledger; ask for the document again
    exit 3
    ");
    assert_eq!(run(&other, "ledger verify").0, 0);
}

#[test]
fn a_licence_file_that_has_expired_or_is_none_is_said_to_be() {
    let file = shop();
    let line = "licence issue --quantity users=7 --valid-until 2020-12-31 --signing-key signing.pem --file a.licence";
    insta::assert_snapshot!(told(&file, line, "?"), @r"
    ---
    error: --valid-until 2020-12-31 has passed
    hint: a licence is issued for a time to come
    exit 64
    ");
    let private = std::fs::read_to_string(file.0.path().join("signing.pem")).unwrap();
    let write = |renewal| {
        let old = LicenceFile { licence: LicenceTerms { renewal, ..licence().licence }, ..licence() };
        std::fs::write(file.0.path().join("a.licence"), signing(&private).sign(&old).unwrap()).unwrap();
    };
    write(None);
    insta::assert_snapshot!(told(&file, "licence verify a.licence --trusted-keys trusted.pem", "?"), @r"
    licence 1000-0000-0000-000Z
      product    assistant
      type       enterprise
      releases   50 users, 36 vpn-months
      valid      from 1970-01-01T00:00:10Z until 1970-01-01T00:00:20Z
      issued by  the platform
    ---
    error: it is genuine, and has expired
    hint: ask whoever issued it; a renewed one is another file
    exit 3
    ");
    let redeem = "licence redeem --file a.licence -o acme --yes --trusted-keys trusted.pem";
    assert!(run(&file, redeem).2.contains("refused: ["));
    // What renews itself has not expired.
    write(Some(5));
    assert_eq!(run(&file, "licence verify a.licence --trusted-keys trusted.pem").0, 0);
    assert_eq!(run(&file, redeem).0, 0);
    std::fs::write(file.0.path().join("b.licence"), b"\xff\xfe").unwrap();
    insta::assert_snapshot!(told(&file, "licence verify b.licence --trusted-keys trusted.pem", "?"), @r"
    ---
    error: b.licence: the licence file can't be believed: it is cut off or was changed
    exit 3
    ");
    insta::assert_snapshot!(told(&file, "licence verify a.licence --trusted-keys signing.pem", "?"), @r"
    ---
    error: signing.pem: this is not a PEM file with Ed25519 public keys
    hint: `openssl pkey -pubout -in KEY` prints the public half of a signing key
    exit 1
    ");
    insta::assert_snapshot!(told(&file, "licence verify a.licence", "?"), @r"
    ---
    error: no trusted keys are given
    hint: give --trusted-keys FILE, or set REALMWRIGHT_TRUSTED_KEYS; `openssl pkey -pubout -in KEY` prints the public half of a signing key
    exit 64
    ");
    insta::assert_snapshot!(told(&file, &line.replace("users=7", "users=-7"), "?"), @r"
    ---
    error: --valid-until 2020-12-31 has passed
    hint: a licence is issued for a time to come
    exit 64
    ");
    insta::assert_snapshot!(told(&file, &line.replace("users=7", "users"), "?"), @r"
    ---
    error: invalid value 'users' for '--quantity <RESOURCE=AMOUNT>': write it as RESOURCE=AMOUNT, e.g. users=50

    For more information, try '--help'.
    exit 64
    ");
    insta::assert_snapshot!(told(&file, &line.replace("signing.pem", "trusted.pem"), "?"), @r"
    ---
    error: trusted.pem: this is not a PEM file with an Ed25519 private key in PKCS#8 form
    hint: `openssl genpkey -algorithm ed25519 -out FILE` makes one
    exit 1
    ");
}

/// An access token, checked with the keys that its realm publishes.
#[test]
fn a_whole_access_token_is_checked_without_a_server() {
    use base64::Engine;
    use jsonwebtoken::{Algorithm, EncodingKey, Header};
    let (file, url) = (File::new(), base64::engine::general_purpose::URL_SAFE_NO_PAD);
    let write = |name: &str, text: &str| std::fs::write(file.0.path().join(name), text).unwrap();
    let (ours, theirs, realm) = (signing_key(), signing_key(), signing_key());
    write("trusted.pem", &ours.1);
    let point = |public: &str| url.encode(&pem::parse(public).unwrap().contents()[12..]);
    let jwk = |public: &str, about: Value| {
        let mut jwk =
            json!({"kty": "OKP", "crv": "Ed25519", "x": point(public), "kid": "k1", "use": "sig", "alg": "EdDSA"});
        about.as_object().unwrap().iter().for_each(|(key, value)| jwk[key] = value.clone());
        json!({"keys": [jwk]}).to_string()
    };
    let good = jwk(&realm.1, json!({}));
    let sealed_by = |key: &str, about: Entitlement| json!(signing(key).sign(&about).unwrap());
    let clinic = || Entitlement { sub: "clinic".into(), product: Some("assistant".into()), ..entitlement() };
    let sealed = sealed_by(&ours.0, clinic());
    let claims = |about: Value| {
        let mut claims = json!({"iss": "https://id.example/realms/clinic", "exp": 99_999_999_999_i64, "typ": "Bearer",
            "azp": "assistant", "entitlement": sealed});
        about.as_object().unwrap().iter().for_each(|(key, value)| claims[key] = value.clone());
        claims
    };
    let sign = |key: &str, header: Header, claims: &Value| {
        jsonwebtoken::encode(&header, claims, &EncodingKey::from_ed_pem(key.as_bytes()).unwrap()).unwrap()
    };
    let header = || Header { kid: Some("k1".into()), ..Header::new(Algorithm::EdDSA) };
    let check = |token: &str, keys: &str| {
        write("token", token);
        write("jwks.json", keys);
        run(&file, "licence verify token --trusted-keys trusted.pem --jwks jwks.json")
    };
    let token = sign(&realm.0, header(), &claims(json!({})));
    let (code, said, told) = check(&token, &good);
    assert_eq!((code, told.as_str()), (0, "it is genuine; the token is good until 5138-11-16T09:46:39Z\n"));
    assert!(said.starts_with("entitlement of clinic in test, for assistant\n"), "{said}");
    assert_eq!(check(&(token.clone() + "\n"), &good).0, 0);

    let parts: Vec<&str> = token.split('.').collect();
    let none = format!("{}.{}.", url.encode(r#"{"alg":"none","kid":"k1"}"#), parts[1]);
    let shared = jsonwebtoken::encode(
        &Header { kid: Some("k1".into()), ..Header::new(Algorithm::HS256) },
        &claims(json!({})),
        &EncodingKey::from_secret(point(&realm.1).as_bytes()),
    );
    let signed = |about: Value| sign(&realm.0, header(), &claims(about));
    let other = |about: Entitlement| signed(json!({"entitlement": sealed_by(&ours.0, about)}));
    let all = |product| Entitlement { product, ..clinic() };
    let refused = [
        ("nonsense".to_owned(), &good, "malformed", "it is cut off or was changed"),
        (token[..token.len() - 9].to_owned(), &good, "malformed", "it is cut off or was changed"),
        (sign(&theirs.0, header(), &claims(json!({}))), &good, "signature", "the signature is not of this text"),
        (
            format!("{}.{}.{}", parts[0], url.encode("{}"), parts[2]),
            &good,
            "signature",
            "the signature is not of this text",
        ),
        (none, &good, "algorithm", "it is not signed with RS256, PS256, ES256, EdDSA or one of their like"),
        (shared.unwrap(), &good, "algorithm", "it is not signed with RS256, PS256, ES256, EdDSA or one of their like"),
        (token.clone(), &jwk(&realm.1, json!({"use": "enc"})), "algorithm", "it is not signed with"),
        (token.clone(), &jwk(&realm.1, json!({"alg": "RS256"})), "algorithm", "it is not signed with"),
        (
            token.clone(),
            &jwk(&realm.1, json!({"kid": "k2"})),
            "unknown-key",
            "it is signed with a key that the realm does not have",
        ),
        (sealed.as_str().unwrap().to_owned(), &good, "other-type", "it is no access token"),
        (signed(json!({"typ": "ID"})), &good, "other-type", "it is no access token"),
        (signed(json!({"exp": 1_000_000_000})), &good, "expired", "it has expired"),
        (signed(json!({"nbf": 99_999_999_998_i64})), &good, "not-yet-valid", "it is not valid yet"),
        (signed(json!({"entitlement": null})), &good, "no-entitlement", "it has no claim `entitlement`"),
        (
            signed(json!({"entitlement": {"limits": {"assistant": 9000}}})),
            &good,
            "entitlement",
            "its entitlement can't be believed: it is cut off or was changed",
        ),
        (
            signed(json!({"entitlement": sealed_by(&theirs.0, clinic())})),
            &good,
            "entitlement",
            "its entitlement can't be believed: it is signed with a key that is not trusted",
        ),
        (
            other(Entitlement { sub: "north".into(), ..clinic() }),
            &good,
            "other-realm",
            "its entitlement is that of `north`, and its realm is `clinic`",
        ),
        (
            other(all(Some("insights".into()))),
            &good,
            "other-product",
            "its entitlement is about `insights`, and it was issued for `assistant`",
        ),
        (other(all(None)), &good, "other-product", "its entitlement is about `*`, and it was issued for `assistant`"),
    ];
    for (token, keys, code, why) in refused {
        let (exit, said, told) = check(&token, keys);
        assert_eq!((exit, said.as_str()), (3, ""), "{told}");
        assert!(told.starts_with(&format!("error: token: refused: [{code}] {why}")), "{told}");
    }
    let (code, _, told) = check(&token, "{}");
    assert_eq!(code, 1);
    assert!(told.contains("jwks.json: this is no set of JSON Web Keys"), "{told}");
    // Without the keys, it says what is missing.
    let (code, _, told) = run(&file, "licence verify token --trusted-keys trusted.pem");
    assert_eq!(code, 3);
    assert!(told.contains("give the keys of its realm with --jwks FILE"), "{told}");
}

#[test]
fn a_device_moves_once_to_who_asked_for_it() {
    let file = shop();
    assert_eq!(run(&file, "device register acme 3").0, 0);
    insta::assert_snapshot!(told(&file, "device register acme 2", "?"), @r"
    ---
    error: refused: [quota] `acme` has not enough of `devices`: 2 missing
    hint: of 4 it uses 3 itself, shares 1 and sold 0: redeem a licence, or free some
    exit 3
    ");
    insta::assert_snapshot!(told(&file, "device retire acme 4", "?"), @r"
    ---
    error: refused: [not-in-use] `acme` has 3 of `devices` in use, fewer than 4
    exit 3
    ");
    let token = run(&file, "device import-token --to branch --signing-key signing.pem").1.trim().to_owned();
    let line = format!("device move --from acme --token {token} --trusted-keys trusted.pem");
    insta::assert_snapshot!(told(&file, &line, &token), @r"
    ---
    error: what the device recorded is lost when it moves
    hint: give --accept-data-loss where that is accepted
    exit 64
    ");
    let line = line + " --accept-data-loss";
    let (code, _, talk) = run(&file, &line);
    assert_eq!((code, talk.starts_with("device moved from acme with import token ")), (0, true), "{talk}");
    let (code, _, talk) = run(&file, &line);
    assert_eq!((code, talk.contains("[token-used]")), (3, true), "{talk}");
    // Refused for want of room, the token stays usable.
    let token = run(&file, "device import-token --to branch --signing-key signing.pem").1.trim().to_owned();
    let line = format!("device move --from acme --token {token} --trusted-keys trusted.pem --accept-data-loss");
    let (code, _, talk) = run(&file, &line);
    assert_eq!((code, talk.contains("[quota]")), (3, true), "{talk}");
    assert_eq!(run(&file, "device retire branch").0, 0);
    assert_eq!(run(&file, &line).0, 0);
    let forged = line.replace(&token, &token[..token.len() - 9]);
    let (code, _, talk) = run(&file, &forged);
    assert_eq!((code, talk.contains("[untrusted]")), (3, true), "{talk}");
    insta::assert_snapshot!(told(&file, "resources branch", "?"), @r"
    branch  parent's resources
        devices        0 left: 1 of 1 used (own 1, shared 0)
        organizations  0 left: 0 of 0 used (own 0, shared 0)
        users          0 left: 0 of 0 used (own 0, shared 0)
        vpn-months     0 left: 0 of 0 used (own 0, shared 0)
    ---
    exit 0
    ");
}

#[test]
fn attack_45_import_tokens() {
    let file = shop();
    assert_eq!(run(&file, "device register acme 2").0, 0);
    let signer = signing(&std::fs::read_to_string(file.0.path().join("signing.pem")).unwrap());
    let moved = |token: &str| {
        let line = format!("device move --from acme --token {token} --trusted-keys trusted.pem --accept-data-loss");
        let (code, _, talk) = run(&file, &line);
        (code, talk.split(['[', ']']).nth(1).unwrap_or_default().to_owned())
    };
    let refused = |code: &str| (3, code.to_owned());
    let token = || run(&file, "device import-token --to branch --signing-key signing.pem").1.trim().to_owned();
    // Signed by somebody else; a licence file; one whose name nobody issued; one that was changed.
    let stranger = signing(&signing_key().0);
    let made = |signer: &SigningKey, jti: &str| {
        signer.sign(&ImportToken { iat: 1, exp: 601, jti: jti.into(), to: "branch".into() }).unwrap()
    };
    assert_eq!(moved(&made(&stranger, "t")), refused("untrusted"));
    assert_eq!(moved(&signer.sign(&licence()).unwrap()), refused("untrusted"));
    assert_eq!(moved(&made(&signer, "nobody's")), refused("unknown-token"));
    let whole = token();
    let (head, signature) = whole.rsplit_once('.').unwrap();
    let other = token();
    let (_, body, _) = {
        let mut parts = other.split('.');
        (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap())
    };
    let mixed = format!("{}.{body}.{signature}", head.split('.').next().unwrap());
    assert_eq!(moved(&mixed), refused("untrusted"));
    // Once; and not ten minutes later, whatever it says of itself.
    assert_eq!(moved(&whole).0, 0);
    assert_eq!(moved(&whole), refused("token-used"));
    let late = |seconds: i64| {
        let at = jiff::Timestamp::now().as_second() + 100_000;
        let name = format!("late-{seconds}");
        let lines = format!(
            "{{\"at\": {at}, \"command\": {{\"do\": \"import-token\", \"to\": \"clinic\", \"token\": \"{name}\"}}}}\n\
             {{\"at\": {}, \"command\": {{\"do\": \"move-device\", \"from\": \"acme\", \"token\": \"{name}\"}}}}\n",
            at + seconds
        );
        post(&file, &lines).1
    };
    let told = late(600);
    assert!(told.contains("token-expired"), "{told}");
}
