#!/bin/sh
# Makes the certificates that tests use, for a hundred years: an authority, servers and a client that it vouches for, a server
# of which the time is over, and one that nobody vouches for.
set -e
cd "$(dirname "$0")"
key='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
openssl req -x509 $key -keyout ca.key -out ca.pem -days 36500 -subj '/CN=Gatelet test authority'

vouched() { # file, common name, names
  openssl req $key -keyout "$1.key" -out "$1.csr" -subj "/CN=$2"
  printf 'subjectAltName=%s\n' "$3" > "$1.ext"
  openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days "${4:-36500}" -extfile "$1.ext" -out "$1.pem"
  rm "$1.csr" "$1.ext"
}
vouched a a.test 'DNS:a.test,DNS:localhost,IP:127.0.0.1'
vouched renewed renewed.test 'DNS:a.test,DNS:localhost,IP:127.0.0.1'
vouched star star.test 'DNS:*.b.test'
vouched client client 'DNS:client.test'
vouched expired expired.test 'DNS:localhost,IP:127.0.0.1' 0
openssl req -x509 $key -keyout stranger.key -out stranger.pem -days 36500 -subj '/CN=stranger' \
  -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1'
rm -f ca.srl
