"""Questions with known answers on the documentation of AWS's services inside botocore."""
