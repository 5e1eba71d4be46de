"""Drills: what a stage is bought for, tried on the deployed stage under load.

A drill acts as an operator or a fault does: through the AWS APIs, the project's client, and the control socket for what
no API offers, such as a killed node. It judges errors and data, never milliseconds.
"""
