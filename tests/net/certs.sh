# Read by test_bad_input.sh: certificates, with certtool or openssl.
#
#   make_certs FOLDER   makes there, each with its .key: ca.pem; server.pem for
#                       good.test; client.pem; both signed by ca.  Fails if there
#                       is neither tool.

# by_certtool NAME LINE...: the lines are certtool's template.
by_certtool() {
  name=$1
  shift
  printf '%s\n' 'expiration_days = 2' "$@" >"$name.template"
  certtool --generate-privkey --key-type ecdsa --outfile "$name.key"
  if [ "$name" = ca ]; then
    certtool --generate-self-signed --load-privkey ca.key \
      --template ca.template --outfile ca.pem
  else
    certtool --generate-certificate --load-privkey "$name.key" \
      --load-ca-certificate ca.pem --load-ca-privkey ca.key \
      --template "$name.template" --outfile "$name.pem"
  fi
}

# by_openssl NAME EXTENSION
by_openssl() {
  set -- "$1" "$2" -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -subj "/CN=$1" -keyout "$1.key"
  name=$1 extension=$2
  shift 2
  if [ "$name" = ca ]; then
    openssl req -x509 "$@" -days 2 -out ca.pem
  else
    echo "$extension" >"$name.extension"
    openssl req "$@" -out "$name.request"
    openssl x509 -req -in "$name.request" -CA ca.pem -CAkey ca.key \
      -CAcreateserial -days 2 -extfile "$name.extension" -out "$name.pem"
  fi
}

make_certs() (
  cd "$1" || exit
  {
    if command -v certtool; then
      by_certtool ca 'cn = ca' ca cert_signing_key
      by_certtool server 'cn = good.test' 'dns_name = good.test' tls_www_server
      by_certtool client 'cn = client' tls_www_client
    elif command -v openssl; then
      by_openssl ca ''
      by_openssl server 'subjectAltName = DNS:good.test'
      by_openssl client 'extendedKeyUsage = clientAuth'
    else
      exit 1
    fi
  } >log 2>&1
)
