"""What attackers write into requests, by what they hope to get around."""

from __future__ import annotations

from front_door import PUBLIC

QUERY = b'{"query": "{ version }"}'
CLOSE = b"Connection: close\r\n"
TYPE = b"Content-Type: application/json\r\n"
BODY = TYPE + b"Content-Length: %d\r\n\r\n%s" % (len(QUERY), QUERY)
CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(QUERY), QUERY)
SPELLINGS = [
    "/dagster/graphql?quer%79=%7Bversion%7D",
    "/dagster/graphql?query=%7Bversion%7D",
    "/dagster/%67raphql?query=%7Bversion%7D",
    "/dagster/graphql%0A?query=%7Bversion%7D",
    "/dagster//graphql?query=%7Bversion%7D",
    "//dagster/graphql?query=%7Bversion%7D",
    "/dagster/graphql/?query=%7Bversion%7D",
    "/dagster/./graphql?query=%7Bversion%7D",
    "/dagster/%2e/graphql?query=%7Bversion%7D",
    "/dagster/x/../graphql?query=%7Bversion%7D",
    "/dagster/x/..%2fgraphql?query=%7Bversion%7D",
    "/flower/../dagster/graphql?query=%7Bversion%7D",
    "/dagster/GraphQL?query=%7Bversion%7D",
    "/dagster/%2567raphql?query=%7Bversion%7D",
    "/dagster/graphql;x=1?query=%7Bversion%7D",
    "/dagster/graphql%00?query=%7Bversion%7D",
    "/dagster\\graphql?query=%7Bversion%7D",
    "http://127.0.0.1/dagster/graphql?query=%7Bversion%7D",
]
NAMES_OF_OTHERS = [
    ("Host: evil.example",),
    ("Host: evil.example", "Origin: http://evil.example"),
    ("Host: 127.0.0.1.evil.example",),
    ("Host: 127.0.0.1@evil.example",),
    ("Host: evil.example", "X-Forwarded-Host: 127.0.0.1"),
    ("Host: 127.0.0.1", "Host: evil.example"),
    ("Host: ",),
    ("Host: 0.0.0.0:3000",),
]

FOREIGN_PAGES = [
    ("Origin: https://evil.example",),
    ("Origin: null",),
    ("Origin: http://127.0.0.1:1",),
    ("Origin: http://telemetry.example.com",),
    ("Origin: https://telemetry.example.com.evil.example",),
    (f"Origin: {PUBLIC}", "Origin: https://evil.example"),
    ("Sec-Fetch-Site: cross-site",),
    ("Sec-Fetch-Site: same-site",),
    (f"Origin: {PUBLIC}", "Sec-Fetch-Site: cross-site"),
    (),
]

NO_JSON = [
    "text/plain",
    "text/plain; application/json",
    "application/graphql",
    "multipart/form-data; boundary=x",
    "application/x-www-form-urlencoded",
    "",
    "Application/JSON",
    "text/plain;x=application/json",
]

WRITTEN_OTHERWISE = {
    "1.0 without Host": b"POST /dagster/graphql HTTP/1.0\r\n%s" + BODY,
    "1.1 without Host": b"POST /dagster/graphql HTTP/1.1\r\n%s" + CLOSE + BODY,
    "an address with Host": b"POST http://127.0.0.1/dagster/graphql HTTP/1.1\r\n%sHost: evil.example\r\n" + CLOSE + BODY,
    "a space before the colon": b"POST /dagster/graphql HTTP/1.1\r\n%sHost : 127.0.0.1\r\n" + CLOSE + BODY,
    "chunks": b"POST /dagster/graphql HTTP/1.1\r\n%sHost: 127.0.0.1\r\nOrigin: https://evil.example\r\n"
    + (b"Transfer-Encoding: chunked\r\n" + CLOSE + TYPE + b"\r\n" + CHUNKS),
    "length and chunks": b"POST /x HTTP/1.1\r\n%sHost: 127.0.0.1\r\nOrigin: https://evil.example\r\nContent-Length: 4\r\n"
    + (b"Transfer-Encoding: chunked\r\n" + CLOSE + b"\r\n" + CHUNKS),
    "another method and address in headers": b"GET /dagster/graphql?query={version} HTTP/1.1\r\n%sHost: 127.0.0.1\r\n"
    + (b"X-HTTP-Method-Override: POST\r\n" + CLOSE)
    + b"X-Original-URL: /dagster/server_info\r\nX-Forwarded-Prefix: /x\r\n\r\n",
}
