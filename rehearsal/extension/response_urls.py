"""Response URLs of custom resources, presigned as AWS's are, for two hours."""

from __future__ import annotations

import importlib
import os
from typing import Any

from rehearsal.extension.seam import Private, custom_resource, responses

TOUCHES = (Private("services.cloudformation.custom_resource", "_response_url", ("token",)),)

VALID_SECONDS = 7_200  # a custom resource may take an hour

auth: Any = importlib.import_module("botocore.auth")
awsrequest: Any = importlib.import_module("botocore.awsrequest")
credentials: Any = importlib.import_module("botocore.credentials")


def install() -> None:
    """Sign the URLs with the secret of the run."""
    stock = custom_resource._response_url

    def signed(token: str) -> str:
        request = awsrequest.AWSRequest("PUT", stock(token))
        holder = credentials.Credentials(responses.get_account_id(), os.environ["AWS_SECRET_ACCESS_KEY"])
        auth.S3SigV4QueryAuth(holder, "s3", responses.get_region(), expires=VALID_SECONDS).add_auth(request)
        return str(request.url)

    custom_resource._response_url = signed
