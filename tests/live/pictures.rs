//! A host with pictures, over TLS, whose certificate only a browser that is told its key believes.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertifiedKey, PublicKeyData, generate_simple_self_signed};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// Its name; names below localhost are this machine.
const HOST: &str = "pictures.localhost";

/// Colours that nothing else on any page has.
pub const LOGO: [u8; 3] = [0xe0, 0x11, 0x5f];
pub const IMAGE: [u8; 3] = [0x11, 0xe0, 0x5f];

pub struct Pictures {
    listener: TcpListener,
    tls: TlsAcceptor,
    /// Where it is.
    pub url: String,
    /// The same host under another name, which no policy names.
    pub elsewhere: String,
    /// The digest of its public key, as Chromium takes it.
    pub key: String,
}

impl Pictures {
    /// Listens, and answers once it serves.
    pub fn new() -> Self {
        let other = "elsewhere.localhost";
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed([HOST.to_owned(), other.to_owned()]).expect("a certificate");
        let key = STANDARD.encode(Sha256::digest(signing_key.subject_public_key_info()));
        let private = PrivateKeyDer::try_from(signing_key.serialize_der()).expect("a key");
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![cert.der().clone()], private);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("set");
        let port = listener.local_addr().expect("an address").port();
        let tls = TlsAcceptor::from(Arc::new(config.expect("a key for the certificate")));
        let [url, elsewhere] = [HOST, other].map(|host| format!("https://{host}:{port}"));
        Self { listener, tls, url, elsewhere, key }
    }

    /// Serves until the runtime ends: `/logo.svg`, and at every other path another picture.
    pub fn serve(&self) {
        let listener = self.listener.try_clone().and_then(tokio::net::TcpListener::from_std).expect("a listener");
        let tls = self.tls.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let tls = tls.clone();
                let serving = async move { drop(answer(&tls, stream).await) };
                tokio::spawn(tokio::time::timeout(Duration::from_secs(10), serving));
            }
        });
    }
}

async fn answer(tls: &TlsAcceptor, stream: tokio::net::TcpStream) -> std::io::Result<()> {
    let mut stream = tls.accept(stream).await?;
    let mut asked = Vec::new();
    while !asked.ends_with(b"\r\n\r\n") && asked.len() < 16 * 1024 {
        asked.push(stream.read_u8().await?);
    }
    let ([red, green, blue], width) = if asked.starts_with(b"GET /logo.svg ") { (LOGO, 160) } else { (IMAGE, 800) };
    let picture = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{width}\"><rect width=\"{width}\" \
         height=\"{width}\" fill=\"#{red:02x}{green:02x}{blue:02x}\"/></svg>"
    );
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: image/svg+xml\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        picture.len()
    );
    stream.write_all((head + &picture).as_bytes()).await?;
    stream.shutdown().await
}
