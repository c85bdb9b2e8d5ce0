import base64
import hashlib
import hmac

from clustering_pipeline.model.automation.webhooks import new_signing_secret
from clustering_pipeline.notifications.sender import sign, signed_headers

# What the package `standardwebhooks` 1.1.0 makes of the same.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - of the tests alone
MESSAGE = "msg_p5jXN8AQM9LWM0D4loKWxJek"
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_signature_is_that_of_standard_webhooks():
    assert sign(SECRET, MESSAGE, 1614265330, b'{"test": 2432232314}') == SIGNATURE


def test_each_of_id_time_and_body_counts():
    signed = {
        sign(SECRET, message, timestamp, body)
        for message in ("a", "b")
        for timestamp in (1, 2)
        for body in (b"", b"x")
    }
    assert len(signed) == 8


def test_a_new_secret_signs():
    secret = new_signing_secret()
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    assert len(key) == 32
    given = signed_headers(secret, "msg_1", 7, b"{}")
    digest = hmac.new(key, b"msg_1.7.{}", hashlib.sha256).digest()
    assert given["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
    assert (given["webhook-id"], given["webhook-timestamp"]) == ("msg_1", "7")
    assert new_signing_secret() != secret
