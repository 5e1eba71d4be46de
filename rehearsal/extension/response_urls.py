"""Where a custom resource's function sends its answer: an address that is signed, as AWS's is, for two hours."""

import importlib
import os
from typing import Any

from rehearsal.extension.seam import Private, custom_resource, responses

TOUCHES = (Private("services.cloudformation.custom_resource", "_response_url", ("token",)),)

SECONDS = 7_200  # a custom resource may take an hour

auth: Any = importlib.import_module("botocore.auth")
awsrequest: Any = importlib.import_module("botocore.awsrequest")
credentials: Any = importlib.import_module("botocore.credentials")


def install() -> None:
    """Sign the addresses with the secret of the run."""
    stock = custom_resource._response_url

    def signed(token: str) -> str:
        request = awsrequest.AWSRequest("PUT", stock(token))
        holder = credentials.Credentials(responses.get_account_id(), os.environ["AWS_SECRET_ACCESS_KEY"])
        auth.S3SigV4QueryAuth(holder, "s3", responses.get_region(), expires=SECONDS).add_auth(request)
        return str(request.url)

    custom_resource._response_url = signed
