from django.urls import path

app_name = "imagery"

urlpatterns: list = [
]
